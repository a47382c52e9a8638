#include "executor/task_process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sys/spawn.h"

namespace weft {
namespace {

using sys::IoKind;
using sys::IoOperation;

// Null at the end, as the system reads them; it changes none.
std::vector<char*> AsPointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Not negative when it has ended, and may be waited for without blocking.
int64_t AwaitEnd(TaskContext& context, int pidfd, int64_t limit_ns, bool runs_to_end) {
  IoOperation operation{.kind = IoKind::kPoll, .runs_to_end = runs_to_end, .fd = pidfd};
  operation.events = POLLIN;
  operation.time_limit_ns = limit_ns;
  return RunAwaited(context, operation);
}

// Of one that has ended; takes its number from it. 0 or -errno.
int TakeEnd(int pidfd, ProcessEnd* end) {
  siginfo_t about = {};
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &about,
               WEXITED | WNOHANG) != 0) {
    return -errno;
  }
  if (about.si_pid == 0) return -EAGAIN;
  *end = {};
  (about.si_code == CLD_EXITED ? end->exit_code : end->signal) = about.si_status;
  return 0;
}

}  // namespace

ChildProcess::~ChildProcess() {
  if (!is_running()) return;
  Kill(SIGKILL);
  ProcessEnd end;
  if (AwaitEnd(context_, pidfd_.get(), kNoTimeLimit, /*runs_to_end=*/true) >= 0) Reap(&end);
}

int ChildProcess::Spawn(const SpawnOptions& options) {
  if (options.arguments.empty() || is_running()) return -EINVAL;
  const std::vector<char*> arguments = AsPointers(options.arguments);
  const std::vector<char*> environment = AsPointers(options.environment);
  sys::SpawnRequest request = {.path = options.arguments.front().c_str(),
                               .arguments = arguments.data(),
                               .environment = environment.data(),
                               .streams = {options.input_fd, options.output_fd, options.error_fd}};
  IoOperation operation{.kind = IoKind::kSpawn};
  operation.spawn = &request;
  const int64_t result = context_.RunIo(operation);
  if (result < 0) return static_cast<int>(result);
  pid_ = request.pid;
  pidfd_.Reset(request.pidfd);
  return 0;
}

int ChildProcess::Reap(ProcessEnd* end) {
  const int error = TakeEnd(pidfd_.get(), end);
  if (error != -EAGAIN) pidfd_.Reset();
  return error;
}

int ChildProcess::Wait(ProcessEnd* end, int64_t limit_ns) {
  if (!is_running()) return -ESRCH;
  const int64_t result = AwaitEnd(context_, pidfd_.get(), limit_ns, /*runs_to_end=*/false);
  return result < 0 ? static_cast<int>(result) : Reap(end);
}

int ChildProcess::Kill(int signal) {
  if (!is_running()) return -ESRCH;
  return ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0 ? 0 : -errno;
}

int WaitForProcess(TaskContext& context, pid_t pid, ProcessEnd* end, int64_t limit_ns) {
  const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return -errno;
  const int64_t result = AwaitEnd(context, pidfd.get(), limit_ns, /*runs_to_end=*/false);
  return result < 0 ? static_cast<int>(result) : TakeEnd(pidfd.get(), end);
}

}  // namespace weft
