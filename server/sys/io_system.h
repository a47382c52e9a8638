#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/descriptor_watch.h"
#include "sys/io_pool.h"
#include "sys/name_resolver.h"
#include "sys/options.h"
#include "sys/ring.h"
#include "sys/ring_uring.h"

namespace weft::sys {

// What the kernel's settings say about io_uring.
struct UringFacts {
  int disabled_sysctl = 0;     // kernel.io_uring_disabled; 0 also where there is none.
  uint64_t memlock_bytes = 0;  // RLIMIT_MEMLOCK as granted.
};

// Why io_uring was refused and what would help, in one sentence. Pure.
std::string ExplainRefusal(const UringRefusal& refusal, const UringFacts& facts);

// How the cores do their I/O: files, sockets, pipes, processes, names. Made once, before the cores,
// and outlives them.
class IoSystem {
 public:
  // Makes all rings, so that a refusal is met here and by all alike. With kAuto a refusal selects
  // threads; with kIoUring it is FAILED_PRECONDITION. worker_cpus: where operations that block run;
  // empty: where the system likes.
  static absl::StatusOr<std::unique_ptr<IoSystem>> Open(const IoOptions& options, size_t cores,
                                                        const std::vector<int>& worker_cpus);

  // Once for each index below cores; later, and for others, null.
  std::unique_ptr<Ring> TakeRing(size_t index);

  // "io_uring" or "threads".
  std::string_view backend() const { return has_urings_ ? "io_uring" : "threads"; }
  // That do file I/O, or hints only, in the cores' stead.
  size_t threads() const { return pool_->threads(); }
  // Why it is threads although io_uring would have been taken; else empty.
  const std::string& fallback_reason() const { return fallback_reason_; }

 private:
  IoSystem() = default;
  absl::Status StartThreads(size_t threads, const std::vector<int>& cpus);

  bool has_urings_ = false;
  std::string fallback_reason_;
  std::unique_ptr<IoPool> pool_;
  std::unique_ptr<NameResolver> resolver_;
  std::unique_ptr<DescriptorWatch> watch_;  // Null with io_uring, where the kernel does that.
  std::vector<std::unique_ptr<Ring>> rings_;
};

}  // namespace weft::sys
