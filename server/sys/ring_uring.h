#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/io_pool.h"
#include "sys/name_resolver.h"
#include "sys/ring.h"

namespace weft::sys {

// What a kernel said to a ring. error is 0 when there is one.
struct UringRefusal {
  int error = 0;  // errno of io_uring_setup.
  bool lacks_operation = false;
  IoKind missing = IoKind::kOpen;  // Which, when lacks_operation.
};

// Who does what the kernel does not. They outlive the ring.
struct RingThreads {
  IoPool& pool;
  NameResolver& resolver;
};

// A ring over io_uring, with SINGLE_ISSUER and DEFER_TASKRUN where the kernel has them. Its worker
// threads, which the kernel makes for operations that block, run on worker_cpus (empty: where the
// kernel likes). Hints go to the threads of the pool: the kernel's workers run beside the Door as
// its equals (bench/README.md, "What was tried and lost"). Any thread may
// make it; it then belongs to the thread that calls Attach. Null, and *refusal filled, when the
// kernel does not grant it or lacks an operation.
std::unique_ptr<Ring> MakeUring(uint32_t entries, const std::vector<int>& worker_cpus,
                                RingThreads threads, UringRefusal* refusal);

}  // namespace weft::sys
