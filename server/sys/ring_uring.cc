#include "sys/ring_uring.h"

#include <liburing.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "sys/fd.h"
#include "sys/page_cache.h"
#include "sys/ring_entry.h"

namespace weft::sys {
namespace {

// Newer than Debian 12's header: a wait in the ring is not told as waiting for a disk.
constexpr unsigned kEnterNoIowait = 1U << 7;
constexpr unsigned kFeatureNoIowait = 1U << 17;

// Best first. DEFER_TASKRUN leaves all work to moments of our choice (6.1), COOP_TASKRUN at least
// interrupts nobody (5.19). A ring of one issuer starts disabled, for it belongs to whom enables
// it.
constexpr std::array<unsigned, 3> kSetups = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
    0,
};

// user_data: an operation's address, the same with kCancelTag for the answer to its cancel, or
// kWakeTag alone.
constexpr uint64_t kCancelTag = 1;
constexpr uint64_t kWakeTag = 2;
static_assert(alignof(IoOperation) > 2);

// Protocol of sleeping. A read of the eventfd wake_ is always under way when Wait enters the
// kernel, so a write to wake_ is a completion like any other. Wake's write stays in the eventfd, or
// in the completion queue, until a read or a Take has taken it, so it ends the Wait that is under
// way or the next one, wherever between Announce and the kernel the core is (sys/parking.h says who
// calls Wake). A write that comes after its sleeper has gone on ends the next Wait early.
class UringRing final : public Ring {
 public:
  UringRing(uint32_t entries, std::vector<int> worker_cpus, RingThreads threads)
      : entries_(entries),
        worker_cpus_(std::move(worker_cpus)),
        seat_(threads.pool),
        resolver_(threads.resolver) {}
  ~UringRing() override {
    if (is_open_) io_uring_queue_exit(&ring_);
  }

  // False: *refusal says why not.
  bool Open(UringRefusal* refusal);

  void Attach(RingWaker waker) override;
  void Start(IoOperation* operation) override;
  void Cancel(IoOperation* operation) override;
  void Submit() override;
  IoOperation* Take() override;
  bool HasCompletions() const override;
  bool has_wait() const override { return true; }
  void Wait(int64_t timeout_ns) override;
  void Wake() override {
    // Fails only when the counter is full, and a full counter wakes, too.
    static_cast<void>(eventfd_write(wake_.get(), 1));
  }
  void Shutdown() override;
  uint32_t capacity() const override { return entries_; }
  uint64_t enters() const override { return enters_; }

 private:
  io_uring_sqe* NextSqe();
  void Enter();
  void StartOnThread(IoOperation* operation);
  bool Withdraw(IoOperation* operation);
  bool Prepare(IoOperation* operation);
  bool PrepareCancel(IoOperation* operation);
  bool PrepareCancelOfAll();
  void PrepareWhatWaits();
  void ArmWake();
  void KeepWorkersOff();
  bool HasKernelWork() const {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) !=
           0;
  }
  bool HasEntries() const { return io_uring_cq_ready(&ring_) != 0; }
  // The operation that this answer finishes, or null.
  IoOperation* Finish(uint64_t user_data, int32_t result);

  const uint32_t entries_;
  const std::vector<int> worker_cpus_;
  io_uring ring_ = {};
  bool is_open_ = false;
  bool is_disabled_ = false;
  Fd wake_;
  uint64_t wake_count_ = 0;
  bool wake_armed_ = false;
  uint32_t under_way_ = 0;
  IoList at_once_;  // Ended without the kernel, which needs not do them or never got them.
  // What found the submission queue full and the kernel not taking from it, tried again with each
  // Submit: operations, and those under way whose cancel is meant.
  IoList unprepared_;
  IoList uncancelled_;
  PageCache cache_;
  PoolSeat seat_;  // For what needs a thread.
  NameResolver& resolver_;
  IoOperation* taken_ = nullptr;  // Oldest first.
  uint64_t enters_ = 0;
};

bool UringRing::Open(UringRefusal* refusal) {
  int result = -EINVAL;
  // Room for a cancel beside each operation, and a read of wake_; the answers to them fit as well.
  for (const unsigned setup : kSetups) {
    io_uring_params params = {};
    params.flags = setup | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = 4 * entries_;
    result = io_uring_queue_init_params(2 * entries_, &ring_, &params);
    is_disabled_ = (setup & IORING_SETUP_R_DISABLED) != 0;
    if (result != -EINVAL) break;
  }
  if (result < 0) {
    refusal->error = -result;
    return false;
  }
  is_open_ = true;
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
  const auto has = [probe](int opcode) {
    return probe != nullptr && io_uring_opcode_supported(probe, opcode) != 0;
  };
  for (size_t i = 0; i < kIoKindCount; ++i) {
    const auto kind = static_cast<IoKind>(i);
    if (NeedsThread(kind)) continue;
    if (!has(OpcodeOf(kind)) || !has(IORING_OP_ASYNC_CANCEL)) {
      *refusal = {.lacks_operation = true, .missing = kind};
    }
  }
  if (probe != nullptr) io_uring_free_probe(probe);
  wake_.Reset(eventfd(0, EFD_CLOEXEC));
  if (!wake_.valid()) refusal->error = errno;
  return refusal->error == 0 && !refusal->lacks_operation;
}

void UringRing::Attach(RingWaker waker) {
  seat_.Attach(waker);
  // liburing 2.3 declares io_uring_enable_rings and does not export it.
  if (is_disabled_) {
    io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr,
                      0);
  }
  // Best effort: each entry then finds the ring without counting references to its file.
  io_uring_register_ring_fd(&ring_);
  // The first submission makes the kernel's pool of workers, which can then be told where to run.
  ArmWake();
  Submit();
  KeepWorkersOff();
}

// Best effort: elsewhere the workers inherit the core's own CPU and take time from it.
void UringRing::KeepWorkersOff() {
  if (worker_cpus_.empty()) return;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int cpu : worker_cpus_) CPU_SET(static_cast<size_t>(cpu), &mask);
  io_uring_register_iowq_aff(&ring_, sizeof(mask), &mask);
}

io_uring_sqe* UringRing::NextSqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  if (sqe != nullptr) return sqe;
  Enter();
  return io_uring_get_sqe(&ring_);
}

bool UringRing::Prepare(IoOperation* operation) {
  io_uring_sqe* const sqe = NextSqe();
  if (sqe == nullptr) return false;
  PrepareEntry(sqe, operation);
  operation->awaited = 1;
  ++under_way_;
  return true;
}

bool UringRing::PrepareCancel(IoOperation* operation) {
  io_uring_sqe* const sqe = NextSqe();
  if (sqe == nullptr) return false;
  io_uring_prep_cancel(sqe, operation, 0);
  io_uring_sqe_set_data64(sqe, reinterpret_cast<uint64_t>(operation) | kCancelTag);
  ++operation->awaited;
  return true;
}

void UringRing::PrepareWhatWaits() {
  while (IoOperation* const operation = unprepared_.Pop()) {
    operation->is_waiting = !Prepare(operation);
    if (!operation->is_waiting) continue;
    unprepared_.Append(operation);
    return;
  }
  while (IoOperation* const operation = uncancelled_.Pop()) {
    operation->is_waiting = !PrepareCancel(operation);
    if (!operation->is_waiting) continue;
    uncancelled_.Append(operation);
    return;
  }
}

void UringRing::StartOnThread(IoOperation* operation) {
  if (operation->kind == IoKind::kResolve) {
    resolver_.Add(operation, &seat_);
  } else if (IsHint(operation->kind) && cache_.IsDone(operation)) {
    at_once_.Append(operation);
  } else {
    seat_.Start(operation);
  }
}

void UringRing::Start(IoOperation* operation) {
  if (NeedsThread(operation->kind)) [[unlikely]]
    return StartOnThread(operation);
  operation->is_waiting = !unprepared_.empty() || !Prepare(operation);
  if (operation->is_waiting) unprepared_.Append(operation);
}

// From the threads; false: it is, or comes, back from them.
bool UringRing::Withdraw(IoOperation* operation) {
  if (operation->kind == IoKind::kResolve) return resolver_.Withdraw(operation);
  seat_.Submit();
  return seat_.Withdraw(operation);
}

void UringRing::Cancel(IoOperation* operation) {
  if (NeedsThread(operation->kind)) {
    if (!Withdraw(operation)) return;
    operation->result = -ECANCELED;
    at_once_.Append(operation);
    return;
  }
  if (operation->awaited == 0 && operation->is_waiting) {
    unprepared_.Remove(operation);
    operation->is_waiting = false;
    operation->result = -ECANCELED;
    at_once_.Append(operation);
  } else if (operation->awaited != 0) {
    operation->is_waiting = !PrepareCancel(operation);
    if (operation->is_waiting) uncancelled_.Append(operation);
  }
}

void UringRing::ArmWake() {
  if (wake_armed_) return;
  io_uring_sqe* const sqe = NextSqe();
  if (sqe == nullptr) return;
  io_uring_prep_read(sqe, wake_.get(), &wake_count_, sizeof(wake_count_), 0);
  io_uring_sqe_set_data64(sqe, kWakeTag);
  wake_armed_ = true;
}

// What the kernel does not take now stays prepared, and goes with the next submission.
void UringRing::Enter() {
  ++enters_;
  io_uring_submit(&ring_);
}

void UringRing::Submit() {
  PrepareWhatWaits();
  if (io_uring_sq_ready(&ring_) != 0) Enter();
  seat_.Submit();
}

bool UringRing::HasCompletions() const {
  return HasEntries() || HasKernelWork() || !at_once_.empty() || taken_ != nullptr ||
         seat_.has_finished();
}

IoOperation* UringRing::Finish(uint64_t user_data, int32_t result) {
  if (user_data == kWakeTag) {
    wake_armed_ = false;
    return nullptr;
  }
  // The kernel gives back what it was given.
  const uint64_t address = user_data & ~kCancelTag;
  auto* const operation =
      reinterpret_cast<IoOperation*>(address);  // NOLINT(performance-no-int-to-ptr)
  // The answer to a cancel says only whether it came in time; so does the operation's own.
  if ((user_data & kCancelTag) == 0) operation->result = result;
  if (--operation->awaited > 0) return nullptr;
  --under_way_;
  if (operation->is_waiting) {
    uncancelled_.Remove(operation);
    operation->is_waiting = false;
  }
  // A worker that was interrupted while it slept in the system call.
  if (operation->cancel_asked && operation->result == -EINTR) operation->result = -ECANCELED;
  return operation;
}

IoOperation* UringRing::Take() {
  if (IoOperation* const ended = at_once_.Pop()) return ended;
  if (taken_ != nullptr || seat_.has_finished()) [[unlikely]] {
    if (taken_ == nullptr) taken_ = seat_.TakeAll();
    return std::exchange(taken_, taken_->next);
  }
  if (!HasEntries() && HasKernelWork()) {
    ++enters_;
    io_uring_get_events(&ring_);
  }
  io_uring_cqe* entry = nullptr;
  unsigned head = 0;
  unsigned seen = 0;
  IoOperation* finished = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    ++seen;
    finished = Finish(entry->user_data, entry->res);
    if (finished != nullptr) break;
  }
  io_uring_cq_advance(&ring_, seen);
  return finished;
}

void UringRing::Wait(int64_t timeout_ns) {
  ArmWake();
  Submit();
  // Without it a call to Wake would go unheard; and what could not be submitted must be tried
  // again.
  if (!wake_armed_ || io_uring_sq_ready(&ring_) != 0 || !unprepared_.empty()) return;
  __kernel_timespec time = {timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  io_uring_getevents_arg argument = {};
  argument.sigmask_sz = _NSIG / 8;
  if (timeout_ns >= 0) argument.ts = reinterpret_cast<uint64_t>(&time);
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  if ((ring_.features & kFeatureNoIowait) != 0) flags |= kEnterNoIowait;
  ++enters_;
  if (ring_.enter_ring_fd != ring_.ring_fd) flags |= IORING_ENTER_REGISTERED_RING;
  io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), 0, 1, flags,
                  reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
}

bool UringRing::PrepareCancelOfAll() {
  io_uring_sqe* const sqe = NextSqe();
  if (sqe == nullptr) return false;
  io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  io_uring_sqe_set_data64(sqe, kWakeTag);
  return true;
}

void UringRing::Shutdown() {
  resolver_.Release(&seat_);
  seat_.Release();
  unprepared_ = {};
  bool is_asked = false;
  while (under_way_ > 0) {
    if (!is_asked) is_asked = PrepareCancelOfAll();
    Take();
    if (under_way_ > 0 && !HasCompletions()) Wait(-1);
  }
  // It belongs to this thread's table, and another may destroy the ring.
  io_uring_unregister_ring_fd(&ring_);
}

}  // namespace

std::unique_ptr<Ring> MakeUring(uint32_t entries, const std::vector<int>& worker_cpus,
                                RingThreads threads, UringRefusal* refusal) {
  auto ring = std::make_unique<UringRing>(entries, worker_cpus, threads);
  if (!ring->Open(refusal)) return nullptr;
  return ring;
}

}  // namespace weft::sys
