#include "sys/io_system.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sys/ring_threads.h"

namespace weft::sys {
namespace {

// For hints, where io_uring does the rest: one, and another while that waits for a disk.
constexpr size_t kHintThreads = 2;

UringFacts ReadFacts() {
  UringFacts facts;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> facts.disabled_sysctl;
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) facts.memlock_bytes = limit.rlim_cur;
  return facts;
}

// Empty when the kernel refuses; *refusal then says why.
std::vector<std::unique_ptr<Ring>> MakeUrings(uint32_t entries, size_t count,
                                              const std::vector<int>& worker_cpus,
                                              RingThreads threads, UringRefusal* refusal) {
  std::vector<std::unique_ptr<Ring>> rings;
  for (size_t i = 0; i < count; ++i) {
    rings.push_back(MakeUring(entries, worker_cpus, threads, refusal));
    if (rings.back() == nullptr) return {};
  }
  return rings;
}

}  // namespace

std::string ExplainRefusal(const UringRefusal& refusal, const UringFacts& facts) {
  if (refusal.lacks_operation) {
    return absl::StrCat("the kernel's io_uring has no ", std::string(IoKindName(refusal.missing)),
                        " operation; run Linux 5.11 or later");
  }
  switch (refusal.error) {
    case EPERM:
      if (facts.disabled_sysctl != 0) {
        return absl::StrCat("the sysctl kernel.io_uring_disabled is ", facts.disabled_sysctl,
                            "; set it to 0");
      }
      return "io_uring_setup was refused with EPERM, as a container's seccomp profile does; allow "
             "io_uring_setup, io_uring_enter and io_uring_register in that profile";
    case ENOSYS:
      return "the kernel has no io_uring (ENOSYS), or a seccomp profile hides it; run Linux 5.11 "
             "or "
             "later with CONFIG_IO_URING, and allow io_uring_setup, io_uring_enter and "
             "io_uring_register in the profile";
    case ENOMEM:
      return absl::StrCat("the rings do not fit the limit on locked memory (RLIMIT_MEMLOCK is ",
                          facts.memlock_bytes,
                          " bytes); raise it (LimitMEMLOCK= in a systemd unit), or lower "
                          "io.ring_entries");
    default:
      return absl::StrCat("io_uring_setup failed: ", std::strerror(refusal.error),
                          "; set io.backend to \"threads\" to do without it");
  }
}

absl::Status IoSystem::StartThreads(size_t threads, const std::vector<int>& cpus) {
  absl::StatusOr<std::unique_ptr<IoPool>> pool = IoPool::Start(threads, cpus);
  if (!pool.ok()) return pool.status();
  pool_ = *std::move(pool);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<IoSystem>> IoSystem::Open(const IoOptions& options, size_t cores,
                                                         const std::vector<int>& worker_cpus) {
  std::unique_ptr<IoSystem> system(new IoSystem());
  absl::StatusOr<std::unique_ptr<NameResolver>> resolver = NameResolver::Start(worker_cpus);
  if (!resolver.ok()) return resolver.status();
  system->resolver_ = *std::move(resolver);
  if (options.backend != IoChoice::kThreads) {
    absl::Status status =
        system->StartThreads(std::min<size_t>(options.threads, kHintThreads), worker_cpus);
    if (!status.ok()) return status;
    UringRefusal refusal;
    system->rings_ = MakeUrings(options.ring_entries, cores, worker_cpus,
                                {*system->pool_, *system->resolver_}, &refusal);
    system->has_urings_ = system->rings_.size() == cores;
    if (system->has_urings_) return system;
    system->fallback_reason_ = ExplainRefusal(refusal, ReadFacts());
  }
  if (options.backend == IoChoice::kIoUring) {
    return absl::FailedPreconditionError(
        absl::StrCat("io.backend: \"io_uring\" is not granted: ", system->fallback_reason_));
  }
  if (absl::Status status = system->StartThreads(options.threads, worker_cpus); !status.ok()) {
    return status;
  }
  absl::StatusOr<std::unique_ptr<DescriptorWatch>> watch = DescriptorWatch::Start(worker_cpus);
  if (!watch.ok()) return watch.status();
  system->watch_ = *std::move(watch);
  for (size_t i = 0; i < cores; ++i) {
    system->rings_.push_back(std::make_unique<ThreadRing>(
        *system->pool_, *system->watch_, *system->resolver_, options.ring_entries));
  }
  return system;
}

std::unique_ptr<Ring> IoSystem::TakeRing(size_t index) {
  return index < rings_.size() ? std::move(rings_[index]) : nullptr;
}

}  // namespace weft::sys
