// Runs one task on a weftd and shows what came out and where the time went.
//
//   embed [TARGET] [TEXT]
//
// Built with CMake, or with: g++ -std=c++20 main.cc $(pkg-config --cflags --libs weft-client)

#include <weft/client.h>
#include <weft/status_details.h>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  weft::ClientOptions options;
  if (argc > 1) options.target = argv[1];
  auto client = weft::Client::Create(options);
  if (!client.ok()) {
    std::cerr << client.status().message() << "\n";
    return 2;
  }
  weft::v1::RunTaskRequest request;
  request.mutable_spec()->set_handler("sha256");
  request.mutable_spec()->set_payload(argc > 2 ? argv[2] : "hello");
  auto result = (*client)->Run(request);
  if (!result.ok()) {
    std::cerr << weft::CodeName(result.status()) << ": " << result.status().message() << "\n";
    return 1;
  }
  std::cout << result->output() << "\n";
  std::cerr << "waited " << result->started_at_ns() - result->submitted_at_ns() << " ns, ran "
            << result->completed_at_ns() - result->started_at_ns() << " ns\n";
  return 0;
}
