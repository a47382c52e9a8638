#include "sys/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace weft::sys {
namespace {

// What posix_spawn does in the child before the exec.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // 0 or an errno.
  int Prepare(const std::array<int, 3>& streams) {
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    for (int target = 0; target < static_cast<int>(streams.size()); ++target) {
      const int from = streams[static_cast<size_t>(target)];
      const int error =
          from < 0 ? posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", O_RDWR, 0)
                   : posix_spawn_file_actions_adddup2(&actions_, from, target);
      if (error != 0) return error;
    }
    return 0;
  }
  // 0 or an errno.
  int Start(SpawnRequest* request) {
    return posix_spawn(&request->pid, request->path, &actions_, &attributes_, request->arguments,
                       request->environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

int64_t SpawnProcess(SpawnRequest* request) {
  SpawnPlan plan;
  if (const int error = plan.Prepare(request->streams); error != 0) return -int64_t{error};
  if (const int error = plan.Start(request); error != 0) return -int64_t{error};
  request->pidfd = static_cast<int>(::syscall(SYS_pidfd_open, request->pid, 0));
  if (request->pidfd >= 0) return 0;
  const int error = errno;
  // Nobody could wait for it.
  ::kill(request->pid, SIGKILL);
  while (::waitpid(request->pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  request->pid = -1;
  return -int64_t{error};
}

}  // namespace weft::sys
