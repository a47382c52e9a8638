#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include "async/waiter.h"
#include "executor/mail.h"

// What tasks of one host share: a mutex, a semaphore, an event. Each belongs to a host, which
// outlives it, and outlives those that wait for it and the permits that were given out. Whoever
// waits is suspended, never its thread, and may be cut short; those that wait are served in the
// order they came, whatever their priority. Host's thread only, but for what says otherwise;
// waiting elsewhere is refused with kElsewhere.
namespace weft {

// Held by one task at a time, across suspensions.
class Mutex {
 public:
  explicit Mutex(TaskHost& host) : host_(host) {}

  // kElsewhere also when the task holds it already.
  WaitResult Lock(TaskContext& context, int64_t until_ns = kNoEnd);
  bool TryLock(TaskContext& context);
  // Hands it to who has waited longest. False: the task does not hold it, and nothing happened.
  bool Unlock(TaskContext& context);
  bool is_locked() const { return owner_ != nullptr; }

 private:
  TaskHost& host_;
  TaskContext* owner_ = nullptr;
  WaitList waiting_;
};

// Locked while it lives.
class [[nodiscard]] MutexLock {
 public:
  MutexLock(Mutex& mutex, TaskContext& context)
      : mutex_(mutex), context_(context), result_(mutex.Lock(context)) {}
  ~MutexLock() {
    if (is_held()) mutex_.Unlock(context_);
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  bool is_held() const { return result_ == WaitResult::kDone; }
  WaitResult result() const { return result_; }

 private:
  Mutex& mutex_;
  TaskContext& context_;
  const WaitResult result_;
};

// What any thread may ask of something that belongs to a host: add up, then have it looked at on
// the host's thread. What is added until then is seen in one look.
class RemoteCount : private Mail {
 public:
  // The most that one Add adds: sums never come round to 0.
  static constexpr uint64_t kMost = UINT32_MAX;

  // apply: what to do with the sum, on the host's thread.
  RemoteCount(TaskHost& host, void (*apply)(void* self, uint64_t sum), void* self)
      : host_(host), apply_(apply), self_(self) {
    open = [](Mail& mail) { static_cast<RemoteCount&>(mail).Open(); };
  }
  // Nobody adds any more; what was added is applied first.
  ~RemoteCount();

  // Any thread.
  void Add(uint64_t amount) {
    if (amount == 0) return;
    if (host_.IsHere()) return apply_(self_, amount);
    // Who finds nothing delivers. Pairs with the subtraction in Open.
    if (sum_.fetch_add(std::min(amount, kMost), std::memory_order_acq_rel) == 0)
      host_.Deliver(*this);
  }

 private:
  void Open() {
    const uint64_t sum = sum_.load(std::memory_order_acquire);
    apply_(self_, sum);
    // The last that touches this, unless more has come: that is delivered then.
    if (sum_.fetch_sub(sum, std::memory_order_acq_rel) != sum) host_.Deliver(*this);
  }

  TaskHost& host_;
  void (*const apply_)(void* self, uint64_t sum);
  void* const self_;
  std::atomic<uint64_t> sum_{0};
};

// Counts permits. Who asks for many is not overtaken by who asks for few.
class Semaphore {
 public:
  // permits: at most 4,294,967,295; more count as so many.
  Semaphore(TaskHost& host, uint64_t permits)
      : host_(host),
        permits_(std::min(permits, RemoteCount::kMost)),
        most_(permits_),
        returned_(host, &TakeBack, this) {}

  // kElsewhere also for more than there ever are.
  WaitResult Acquire(TaskContext& context, uint64_t count = 1, int64_t until_ns = kNoEnd);
  // At once, or false. Also between turns.
  bool TryAcquire(uint64_t count = 1);
  // Any thread. What would make more than there ever were is dropped.
  void Release(uint64_t count = 1) { returned_.Add(count); }
  uint64_t available() const { return permits_; }
  uint64_t most() const { return most_; }

 private:
  static void TakeBack(void* self, uint64_t count);

  TaskHost& host_;
  uint64_t permits_;
  const uint64_t most_;
  WaitList waiting_;
  RemoteCount returned_;
};

// One permit, given back when it goes; moves into the task that it is for. Any thread.
class [[nodiscard]] Permit {
 public:
  Permit() = default;
  // The caller has acquired it.
  explicit Permit(Semaphore& semaphore) : semaphore_(&semaphore) {}
  Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(semaphore_, other.semaphore_);
    return *this;
  }
  ~Permit() {
    if (semaphore_ != nullptr) semaphore_->Release();
  }
  bool is_held() const { return semaphore_ != nullptr; }

 private:
  Semaphore* semaphore_ = nullptr;
};

// Something that has happened, until it is reset.
class Event {
 public:
  explicit Event(TaskHost& host) : host_(host), sets_(host, &OnSet, this) {}

  // Any thread. Wakes all that wait.
  void Set() { sets_.Add(1); }
  void Reset() { is_set_ = false; }
  // At once when it is set.
  WaitResult Wait(TaskContext& context, int64_t until_ns = kNoEnd);
  bool is_set() const { return is_set_; }

 private:
  static void OnSet(void* self, uint64_t count);

  TaskHost& host_;
  bool is_set_ = false;
  WaitList waiting_;
  RemoteCount sets_;
};

}  // namespace weft
