#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "weft/client.h"

// The commands of `weft`. Each Add function adds one to the application; when it is chosen it runs
// and stores its exit code. Main thread only.
namespace weft::cli {

// What every command takes, and what it leaves behind.
struct Session {
  std::string target = "127.0.0.1:7411";
  bool json = false;
  int64_t deadline_ns = 30'000'000'000;
  int retries = 0;
  int exit_code = 0;

  // Calls `use` with a client and takes its exit code; reports a target that is malformed.
  void WithClient(const std::function<int(Client&)>& use);
  // Writes the error line to stderr and answers the exit code.
  [[nodiscard]] int Report(const absl::Status& status) const;
};

void AddRun(CLI::App* app, Session* session);
void AddSubmit(CLI::App* app, Session* session);
void AddWait(CLI::App* app, Session* session);
void AddGet(CLI::App* app, Session* session);
void AddCancel(CLI::App* app, Session* session);
void AddList(CLI::App* app, Session* session);
void AddWatch(CLI::App* app, Session* session);
void AddStats(CLI::App* app, Session* session);
void AddHandlers(CLI::App* app, Session* session);
void AddCores(CLI::App* app, Session* session);
void AddTop(CLI::App* app, Session* session);
void AddPause(CLI::App* app, Session* session);
void AddResume(CLI::App* app, Session* session);
void AddBudget(CLI::App* app, Session* session);
void AddBench(CLI::App* app, Session* session);
void AddReload(CLI::App* app, Session* session);
void AddDoctor(CLI::App* app, Session* session);
void AddDrain(CLI::App* app, Session* session);
void AddHealth(CLI::App* app, Session* session);
void AddVersion(CLI::App* app, Session* session);

// The positional id of a task: decimal digits only, up to 2^64-1.
CLI::Option* AddTaskId(CLI::App* command, uint64_t* task_id);

// Adds --target and --json.
void AddTargetOptions(CLI::App* command, Session* session);

// Adds these, --deadline and --retries.
void AddSessionOptions(CLI::App* command, Session* session);

// An option that takes a duration, such as 10ms, into nanoseconds.
CLI::Option* AddDuration(CLI::App* command, const std::string& name, int64_t* ns,
                         const std::string& help);

// A command whose help starts with `examples`, one a line.
CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& what,
                     const std::string& examples);

}  // namespace weft::cli
