#include <iostream>
#include <memory>

#include "absl/strings/str_join.h"
#include "client/cli/admin_output.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

int SetBudget(const Session& session, Client& client, const v1::SetBudgetRequest& request) {
  const auto answer = client.SetBudget(request);
  if (!answer.ok()) return session.Report(answer.status());
  if (session.json) {
    std::cout << ToJson(*answer, true);
  } else {
    std::cout << "a turn of core " << absl::StrJoin(answer->cores(), ", ") << " now runs "
              << BudgetText(request.budget()) << "\n";
  }
  return 0;
}

}  // namespace

void AddBudget(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "budget", "Set how much a core runs before it looks at what came in",
                 "  weft budget --polls 16\n"
                 "  weft budget --microseconds 250 --core 1\n"
                 "  weft cores                  (shows what holds)\n");
  const auto request = std::make_shared<v1::SetBudgetRequest>();
  // The daemon knows the ranges and tells them.
  CLI::Option* polls = command->add_option_function<uint32_t>(
      "--polls", [request](uint32_t value) { request->mutable_budget()->set_polls(value); },
      "Tasks started or resumed, 1 to 65536");
  CLI::Option* microseconds = command->add_option_function<uint32_t>(
      "--microseconds",
      [request](uint32_t value) { request->mutable_budget()->set_microseconds(value); },
      "Time, 1 to 100000; the turn ends after the task that reaches it");
  polls->excludes(microseconds);
  command->add_option_function<uint32_t>(
      "--core", [request](uint32_t value) { request->set_core(value); },
      "CPU number of the core; all cores by default");
  AddSessionOptions(command, session);
  command->callback([session, request] {
    if (!request->has_budget()) throw CLI::RequiredError("--polls or --microseconds");
    session->WithClient([&](Client& client) { return SetBudget(*session, client, *request); });
  });
}

}  // namespace weft::cli
