#include "client/doctor/ring_probe.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>

namespace weft::doctor {
namespace {

constexpr uint32_t kEntries = 8;
constexpr size_t kNoOps = 65;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// One mapping of the ring's memory.
class Mapping {
 public:
  Mapping(int fd, uint64_t offset, size_t bytes) : bytes_(bytes) {
    void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                          static_cast<off_t>(offset));
    if (at != MAP_FAILED) at_ = static_cast<char*>(at);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (at_ != nullptr) munmap(at_, bytes_);
  }

  [[nodiscard]] bool is_mapped() const { return at_ != nullptr; }
  template <class T>
  [[nodiscard]] T* At(uint32_t offset) const {
    return reinterpret_cast<T*>(at_ + offset);
  }

 private:
  size_t bytes_;
  char* at_ = nullptr;
};

int Setup(uint32_t flags, io_uring_params* parameters) {
  *parameters = {};
  parameters->flags = flags;
  return static_cast<int>(syscall(SYS_io_uring_setup, kEntries, parameters));
}

// One no-op there and back; false with errno when the kernel refuses.
bool RunNoOp(int fd, const Mapping& rings, const Mapping& entries,
             const io_uring_params& parameters) {
  auto* const tail = rings.At<uint32_t>(parameters.sq_off.tail);
  const uint32_t mask = *rings.At<uint32_t>(parameters.sq_off.ring_mask);
  const uint32_t slot = *tail & mask;
  io_uring_sqe& entry = entries.At<io_uring_sqe>(0)[slot];
  entry = {};
  entry.opcode = IORING_OP_NOP;
  rings.At<uint32_t>(parameters.sq_off.array)[slot] = slot;
  // Pairs with the kernel's acquiring load of the tail.
  std::atomic_ref(*tail).store(*tail + 1, std::memory_order_release);
  if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) return false;
  auto* const head = rings.At<uint32_t>(parameters.cq_off.head);
  std::atomic_ref(*head).store(*head + 1, std::memory_order_release);
  return true;
}

RingProbe Failed(const char* call) { return {.error = errno, .failed_call = call}; }

RingProbe Use(int fd, const io_uring_params& parameters) {
  const size_t submission_bytes =
      parameters.sq_off.array + parameters.sq_entries * sizeof(uint32_t);
  const size_t completion_bytes =
      parameters.cq_off.cqes + parameters.cq_entries * sizeof(io_uring_cqe);
  const bool is_single = (parameters.features & IORING_FEAT_SINGLE_MMAP) != 0;
  // Every kernel since 5.4 has both rings in one mapping.
  if (!is_single) {
    errno = ENOSYS;
    return Failed("io_uring_setup");
  }
  const Mapping rings(fd, IORING_OFF_SQ_RING, std::max(submission_bytes, completion_bytes));
  const Mapping entries(fd, IORING_OFF_SQES, parameters.sq_entries * sizeof(io_uring_sqe));
  if (!rings.is_mapped() || !entries.is_mapped()) return Failed("mmap");
  std::array<int64_t, kNoOps> times{};
  for (int64_t& time : times) {
    const int64_t began = NowNs();
    if (!RunNoOp(fd, rings, entries, parameters)) return Failed("io_uring_enter");
    time = NowNs() - began;
  }
  std::nth_element(times.begin(), times.begin() + kNoOps / 2, times.end());
  return {.no_op_ns = times[kNoOps / 2]};
}

}  // namespace

RingProbe ProbeRing() {
  io_uring_params parameters;
  bool is_deferred = true;
  int fd = Setup(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, &parameters);
  // Kernels before 6.1 do not know the flags.
  if (fd < 0 && errno == EINVAL) {
    is_deferred = false;
    fd = Setup(0, &parameters);
  }
  if (fd < 0) return Failed("io_uring_setup");
  RingProbe probe = Use(fd, parameters);
  close(fd);
  probe.has_deferred_taskrun = is_deferred;
  return probe;
}

}  // namespace weft::doctor
