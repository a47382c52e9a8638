#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "executor/stream_call.h"
#include "executor/task_context.h"
#include "sys/fd.h"

namespace weft {

// How a process ended.
struct ProcessEnd {
  int exit_code = 0;
  int signal = 0;  // Not 0: what it was killed by; exit_code then says nothing.
};

struct SpawnOptions {
  std::vector<std::string> arguments;    // The first is the program's path; nothing is searched.
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited.
  // Its standard streams; -1: /dev/null. Stay the caller's. Above 2.
  int input_fd = -1;
  int output_fd = -1;
  int error_fd = -1;
};

// A child process of a task. Lives on the task's stack: one that still runs when it goes is killed,
// and the task waits for that, whatever is asked of it; so no child outlives its task unseen, and
// none stays a zombie. Task's own thread only. Calls suspend the task; results as in task_net.h.
class ChildProcess {
 public:
  explicit ChildProcess(TaskContext& context) : context_(context) {}
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Starts it, once; 0 or -errno, which tells of the exec, too: -ENOENT, -EACCES. A thread does it,
  // so it runs where and as that does: on the front's CPUs, with a tenth of one beside the Door.
  int Spawn(const SpawnOptions& options);
  // Until it has ended; 0 or -errno.
  int Wait(ProcessEnd* end, int64_t limit_ns = kNoTimeLimit);
  // Sends a signal, at once; 0 or -errno, -ESRCH when it has ended.
  int Kill(int signal);

  bool is_running() const { return pidfd_.valid(); }
  pid_t pid() const { return pid_; }

 private:
  int Reap(ProcessEnd* end);

  TaskContext& context_;
  pid_t pid_ = -1;
  sys::Fd pidfd_;  // Not valid: it was not started, or was waited for.
};

// Until any process has ended. 0: it was a child, and *end is told. -ECHILD: it was not, so only
// its parent is told how. -ESRCH: there is none of that number.
int WaitForProcess(TaskContext& context, pid_t pid, ProcessEnd* end,
                   int64_t limit_ns = kNoTimeLimit);

}  // namespace weft
