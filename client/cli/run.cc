#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"
#include "client/cli/run_files.h"
#include "client/cli/task_options.h"

namespace weft::cli {
namespace {

constexpr char kExamples[] = R"(  weft run echo hello
  weft run sha256 --file /etc/hostname
  echo -n hello | weft run sha256 -
  weft run sleep 10ms --timeout 5ms          (expires: exit code 1)
  find . -type f | weft run sha256 --files-from -
)";

struct RunOptions {
  TaskOptions task;
  FilesOptions files;
  bool raw = false;
  bool retain = false;
};

int RunOne(Client& client, const Session& session, const RunOptions& options) {
  auto spec = MakeSpec(options.task);
  if (!spec.ok()) return session.Report(spec.status());
  v1::RunTaskRequest request;
  *request.mutable_spec() = *std::move(spec);
  request.set_retain_result(options.retain);
  auto result = client.Run(request);
  if (!result.ok()) return session.Report(result.status());
  if (options.raw && !session.json) {
    std::cout << result->output();
  } else {
    WriteTask(*result, session.json, std::cout);
  }
  return ExitCodeOf(result->state());
}

}  // namespace

void AddRun(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "run", "Run a task and show its result", kExamples);
  const auto options = std::make_shared<RunOptions>();
  command->add_option("handler", options->task.handler, "What to run; see weft handlers")
      ->required();
  command->add_option("payload", options->task.payload, "Its input as text; - reads stdin");
  AddTaskOptions(command, &options->task);
  command->add_option("--tag", options->task.tag, "Any number; comes back in the result");
  command->add_flag("--raw", options->raw, "Write the output's bytes and nothing else");
  command->add_flag("--retain", options->retain, "Keep the result for weft get and weft wait");
  auto* files = command->add_option("--files-from", options->files.list,
                                    "One task for each file named in this list, one a line; - "
                                    "reads the list from stdin. Prints `output  name` lines");
  command
      ->add_option("--window", options->files.window, "Tasks in flight at most, with --files-from")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  files->type_name("FILE");
  files->excludes("payload")->excludes("--file")->excludes("--raw")->excludes("--retain");
  AddSessionOptions(command, session);
  command->callback([session, options, files] {
    session->WithClient([&](Client& client) {
      if (files->count() == 0) return RunOne(client, *session, *options);
      return RunFiles(client, *session, options->task, options->files);
    });
  });
}

}  // namespace weft::cli
