#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/task_options.h"

namespace weft::cli {

void AddSubmit(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "submit", "Submit a task and print its id",
                                 "  weft submit sleep 2s\n"
                                 "  weft wait $(weft submit sha256 --file /etc/hostname)\n");
  const auto options = std::make_shared<TaskOptions>();
  command->add_option("handler", options->handler, "What to run; see weft handlers")->required();
  command->add_option("payload", options->payload, "Its input as text; - reads stdin");
  AddTaskOptions(command, options.get());
  command->add_option("--tag", options->tag, "Any number; comes back in the result");
  AddSessionOptions(command, session);
  command->callback([session, options] {
    session->WithClient([&](Client& client) -> int {
      auto spec = MakeSpec(*options);
      if (!spec.ok()) return session->Report(spec.status());
      auto submitted = client.Submit(*spec);
      if (!submitted.ok()) return session->Report(submitted.status());
      if (session->json) {
        std::cout << ToJson(*submitted, true);
      } else {
        std::cout << submitted->task_id() << "\n";
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
