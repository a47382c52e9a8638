#include <charconv>
#include <iostream>
#include <utility>

#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"

namespace weft::cli {

void Session::WithClient(const std::function<int(Client&)>& use) {
  ClientOptions options;
  options.target = target;
  options.timeout_ns = deadline_ns;
  options.retry.max_attempts = retries + 1;
  auto client = Client::Create(options);
  exit_code = client.ok() ? use(**client) : Report(client.status());
}

int Session::Report(const absl::Status& status) const {
  std::cerr << ErrorLine(status, target) << std::endl;
  return ExitCodeOf(status);
}

CLI::Option* AddDuration(CLI::App* command, const std::string& name, int64_t* ns,
                         const std::string& help) {
  const auto parse = [ns](const std::string& text) {
    auto parsed = ParseDuration(text);
    if (!parsed.ok()) throw CLI::ValidationError(std::string(parsed.status().message()));
    *ns = *parsed;
  };
  return command->add_option_function<std::string>(name, parse, help)->type_name("DURATION");
}

CLI::Option* AddTaskId(CLI::App* command, uint64_t* task_id) {
  const auto parse = [task_id](const std::string& text) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, *task_id);
    if (error == std::errc() && rest == end) return;
    throw CLI::ValidationError("id", "\"" + text + "\" is no task id; one is a decimal number");
  };
  return command->add_option_function<std::string>("id", parse, "Number of the task, from submit")
      ->type_name("ID")
      ->required();
}

void AddTargetOptions(CLI::App* command, Session* session) {
  // The environment's target is the session's from the start: CLI11 would let the variable of a
  // command that was not even called overwrite the option of the one that was.
  command
      ->add_option("--target", session->target,
                   "host:port or unix:/path of the daemon; the variable WEFT_TARGET sets another "
                   "default")
      ->capture_default_str();
  command->add_flag("--json", session->json, "Write JSON (64-bit numbers as strings)");
}

void AddSessionOptions(CLI::App* command, Session* session) {
  AddTargetOptions(command, session);
  AddDuration(command, "--deadline", &session->deadline_ns,
              "Longest time for the call with its retries (default 30s)")
      ->check([](const std::string& text) {
        return text == "0" ? std::string("must be more than 0") : std::string();
      });
  command
      ->add_option("--retries", session->retries,
                   "Try again this often when that is safe, after the delay the daemon names")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
}

CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& what,
                     const std::string& examples) {
  CLI::App* command = app->add_subcommand(name, what);
  command->footer("");
  command->description(what);
  // The list of commands shows `what`; the command's own help starts with the examples.
  class ExamplesFirst : public CLI::Formatter {
   public:
    explicit ExamplesFirst(std::string text) : text_(std::move(text)) {}
    std::string make_help(const CLI::App* shown, std::string shown_name,
                          CLI::AppFormatMode mode) const override {
      const std::string help = CLI::Formatter::make_help(shown, std::move(shown_name), mode);
      return mode == CLI::AppFormatMode::Sub ? help : "Examples:\n" + text_ + "\n" + help;
    }

   private:
    std::string text_;
  };
  command->formatter(std::make_shared<ExamplesFirst>(examples));
  return command;
}

}  // namespace weft::cli
