#include <grpcpp/grpcpp.h>

#include <iostream>

#include "client/cli/commands.h"

namespace weft::cli {

void AddVersion(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "version", "Print the version of this program",
                                 "  weft version\n  weft version --json\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    if (session->json) {
      std::cout << "{\"version\": \"" WEFT_VERSION "\", \"grpc\": \"" << grpc::Version() << "\"}\n";
    } else {
      std::cout << "weft " WEFT_VERSION " (gRPC " << grpc::Version() << ")\n";
    }
  });
}

}  // namespace weft::cli
