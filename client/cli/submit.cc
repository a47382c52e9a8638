#include <iostream>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/submit_batch.h"
#include "client/cli/task_options.h"

namespace weft::cli {

namespace {

constexpr char kExamples[] = R"(  weft submit sleep 2s
  weft wait $(weft submit sha256 --file /etc/hostname)
  weft submit echo hello --label app=shop --affinity customer-17
  seq 1000 | weft submit echo --batch -     one task a line; prints their ids
)";

struct SubmitOptions {
  TaskOptions task;
  std::string lines;
};

int SubmitOne(Client& client, const Session& session, const TaskOptions& options) {
  auto spec = MakeSpec(options);
  if (!spec.ok()) return session.Report(spec.status());
  auto submitted = client.Submit(*spec);
  if (!submitted.ok()) return session.Report(submitted.status());
  if (session.json) {
    std::cout << ToJson(*submitted, true);
  } else {
    std::cout << submitted->task_id() << "\n";
  }
  return 0;
}

}  // namespace

void AddSubmit(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "submit", "Submit a task, or many, and print its id", kExamples);
  const auto options = std::make_shared<SubmitOptions>();
  command->add_option("handler", options->task.handler, "What to run; see weft handlers")
      ->required();
  command->add_option("payload", options->task.payload, "Its input as text; - reads stdin");
  AddTaskOptions(command, &options->task);
  command->add_option("--tag", options->task.tag,
                      "Any number; comes back in the result; with --batch it counts up");
  auto* batch = command
                    ->add_option("--batch", options->lines,
                                 "One task for each line of this file, the line being its "
                                 "payload; - reads stdin")
                    ->type_name("FILE");
  batch->excludes("payload")->excludes("--file");
  AddSessionOptions(command, session);
  command->callback([session, options, batch] {
    session->WithClient([&](Client& client) {
      if (batch->count() == 0) return SubmitOne(client, *session, options->task);
      return SubmitBatch(client, *session, options->task, options->lines);
    });
  });
}

}  // namespace weft::cli
