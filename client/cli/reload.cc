#include <algorithm>
#include <iostream>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

void WriteChanges(const char* title,
                  const google::protobuf::RepeatedPtrField<v1::ConfigChange>& changes,
                  std::ostream& out) {
  if (changes.empty()) return;
  size_t width = 0;
  for (const v1::ConfigChange& change : changes) width = std::max(width, change.key().size());
  out << title << "\n";
  for (const v1::ConfigChange& change : changes) {
    out << "  " << change.key() << std::string(width - change.key().size(), ' ') << "  "
        << change.old_value() << " -> " << change.new_value() << "\n";
  }
}

}  // namespace

void WriteReload(const v1::ReloadConfigResponse& answer, std::ostream& out) {
  WriteChanges("holds from now on:", answer.applied(), out);
  WriteChanges("holds from the next start on:", answer.needs_restart(), out);
  if (answer.applied().empty() && answer.needs_restart().empty()) out << "nothing has changed\n";
  for (const std::string& warning : answer.warnings()) out << "warning: " << warning << "\n";
}

std::string ReloadError(const absl::Status& status) {
  const std::string text(status.message());
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  return "weft: the daemon keeps the configuration it has; the new one has " +
         (lines == 1 ? std::string("a mistake") : std::to_string(lines) + " mistakes") + ":\n" +
         text;
}

void AddReload(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "reload", "Have the daemon read its configuration again, as SIGHUP does",
                 "  weft reload\n  weft reload --json\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    session->WithClient([&](Client& client) -> int {
      auto answer = client.ReloadConfig();
      if (absl::IsInvalidArgument(answer.status())) {
        std::cerr << ReloadError(answer.status()) << std::endl;
        return ExitCodeOf(answer.status());
      }
      if (!answer.ok()) return session->Report(answer.status());
      if (session->json) {
        std::cout << ToJson(*answer, true);
      } else {
        WriteReload(*answer, std::cout);
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
