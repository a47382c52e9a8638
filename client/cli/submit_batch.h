#pragma once

#include <cstddef>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/task_options.h"

namespace weft::cli {

// Submits one task for each line of the file, "-" for standard input, with the line as its payload,
// in messages of up to kBatchRows, and prints the ids (--json: the rows) in the order of the lines;
// for a line that is refused, a line on stderr. Rows that are refused with a hint are submitted
// again up to session.retries times. Answers the exit code: that of the first problem.
[[nodiscard]] int SubmitBatch(Client& client, const Session& session, const TaskOptions& task,
                              const std::string& lines);

inline constexpr size_t kBatchRows = 1'024;
inline constexpr size_t kBatchBytes = 1024 * 1024;  // The line that reaches it is the last.

}  // namespace weft::cli
