#pragma once

#include <cstddef>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/task_options.h"

namespace weft::cli {

struct FilesOptions {
  // A file with one name a line; "-" is standard input.
  std::string list;
  size_t window = 64;
};

// The line sha256sum prints: the name follows two spaces, and where it holds a backslash or a line
// break the line begins with a backslash and these are escaped.
[[nodiscard]] std::string DigestLine(const std::string& output, const std::string& name);

// Sends the contents of every file listed as one task over one stream, prints an `output  name`
// line (--json: the result) for each in the order of the list, a line on stderr for each that
// failed, and a latency table on stderr at the end. Holds at most `window` files in memory.
// Answers the exit code: that of the first problem.
[[nodiscard]] int RunFiles(Client& client, const Session& session, const TaskOptions& task,
                           const FilesOptions& options);

}  // namespace weft::cli
