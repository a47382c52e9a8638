#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/v1/task.pb.h"

namespace weft::cli {

// What the user says about a task, the same words in run, submit and bench. Main thread only.
struct TaskOptions {
  std::string handler;
  // Empty: no payload; "-": standard input.
  std::string payload;
  std::string file;
  std::string priority = "normal";
  // Empty: as priority.
  std::string io_priority;
  int64_t timeout_ns = 0;
  int64_t core = -1;
  std::string affinity_key;
  std::vector<std::string> labels;
  uint64_t tag = 0;
};

// The options that say how a task is run: --file, --priority, --io-priority, --timeout,
// --core, --affinity and --label.
void AddTaskOptions(CLI::App* command, TaskOptions* options);

// The spec, its payload read from where it is. INVALID_ARGUMENT when a file cannot be read.
[[nodiscard]] absl::StatusOr<v1::TaskSpec> MakeSpec(const TaskOptions& options);

// Open for reading. INVALID_ARGUMENT names the file and the reason, also when it is a folder.
[[nodiscard]] absl::StatusOr<std::ifstream> OpenFile(const std::string& path);

// As OpenFile.
[[nodiscard]] absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace weft::cli
