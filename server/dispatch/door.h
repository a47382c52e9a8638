#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/doorbell.h"
#include "core/idle.h"
#include "core/options.h"
#include "dispatch/dispatcher.h"
#include "dispatch/door_mail.h"
#include "sys/clock.h"
#include "sys/prod_env.h"

namespace weft {

template <class Env>
class LentDoor;

// Where work comes from: the gRPC completion queue, seen from below. Implemented by rpc.
class DoorSource {
 public:
  virtual ~DoorSource() = default;
  // Door thread only. Handles up to max_events that are ready, without waiting; returns how many.
  virtual size_t Poll(size_t max_events) = 0;
  // Door thread only. Whether what the last Poll brought is to run before more is asked for.
  virtual bool has_enough() const { return false; }
  // Door thread only. Waits for one event until timeout_ns from now have passed, or Ring was
  // called; handles it and returns how many were handled (0 or 1).
  virtual size_t Wait(int64_t timeout_ns) = 0;
  // Door thread only. What the source does at times of its own; after every round that did
  // something, and when it is due. Returns when it wants to be called again.
  virtual sys::Ticks Tick(sys::Ticks /*now*/) { return sys::kTicksForever; }
  // Any thread. Ends a Wait soon; at most one call between two Waits.
  virtual void Ring() = 0;
};

// The one thread in front of the cores. Its loop reads as a list: poll, flush, collect, tick; when
// there was nothing to do for a spin budget it announces that it parks, looks once more, and waits.
// Owned by the daemon; what it is given outlives it. Named Door for the real machine, see below.
template <class Env>
class BasicDoor {
 public:
  BasicDoor(DoorSource& source, Dispatcher<Env>& dispatcher, Doorbell& doorbell, const Env& env,
            IdlePolicy idle, uint32_t spin_us);

  // Before RequestDrain, or Door thread only. How long a drain lets held work go on; then all of it
  // is asked to stop, and kStopGraceNs later the Door ends whatever is left. 0: asked at once.
  void set_drain_limit_ns(int64_t drain_limit_ns) { drain_limit_ns_ = drain_limit_ns; }
  // Before Start only. The clock to slew once a second, for the dispatcher's stamps.
  void set_clock(sys::Clock& clock) { clock_ = &clock; }

  // Any thread. Has the Door run the errand soon. False when DoorMail::kMax errands wait or the
  // Door has ended: it is then never run.
  bool Post(DoorErrand& errand);

  // Before Run. What may lend it to a core's thread; outlives it.
  void set_lent(LentDoor<Env>& lent) { lent_ = &lent; }

  // Runs on the calling thread until a drain was requested and everything accepted has been
  // answered, or the drain limit and the grace after it have passed. After the last answer it goes
  // on until it has been idle for kQuietNs, at most for kLongestLingerNs and within the drain
  // limit: a caller may only be about to ask for the result of the id it was given, and calls on
  // their way are refused in so many words instead of being cut off.
  void Run();
  // One pass of the loop, without idling. True if it did anything.
  bool Round();
  // Whether the core is to run before the next, where both are one thread.
  bool has_enough() const { return source_.has_enough(); }
  // The part of a round that answers what has ended, and all of it. True if there was any.
  bool CollectAll();
  // Follows a Round that did nothing: spins, or sleeps until time is up, there may be work, or
  // has_work says so after everybody who brings some will ring.
  void Idle(sys::Ticks until = sys::kTicksForever, bool (*has_work)(void*) = nullptr,
            void* argument = nullptr);

  // Any thread, async-signal-safe. Seen within kLongestWaitNs.
  void RequestDrain() { drain_requested_.store(true, std::memory_order_release); }
  // Any thread. Whether a drain was requested: the daemon is then no longer ready.
  bool draining() const { return drain_requested_.load(std::memory_order_acquire); }
  // After Run: tasks that had not ended by the drain limit.
  uint64_t left() const { return dispatcher_.in_flight(); }

  static constexpr size_t kPollMax = 64;                  // Events handled in one pass.
  static constexpr int64_t kLongestWaitNs = 100'000'000;  // So that a drain is noticed.
  static constexpr int64_t kStopGraceNs = 1'000'000'000;
  static constexpr int64_t kQuietNs = 200'000'000;
  static constexpr int64_t kLongestLingerNs = 2'000'000'000;

 private:
  bool Finished();
  void AdvanceDrain();
  sys::Ticks LingerUntil() const;
  void AdvanceClock();
  void NoteWork();
  bool MaySpin() const;
  void Park(sys::Ticks until, bool (*has_work)(void*), void* argument);
  int64_t WaitNs(sys::Ticks until) const;

  DoorSource& source_;
  Dispatcher<Env>& dispatcher_;
  Doorbell& doorbell_;
  Env env_;
  const IdlePolicy idle_policy_;
  IdleBudget budget_;
  DoorMail mail_;
  LentDoor<Env>* lent_ = nullptr;
  sys::Clock* clock_ = nullptr;
  int64_t drain_limit_ns_ = 30'000'000'000;
  sys::Ticks now_ = 0;  // Read once a round.
  sys::Ticks next_tick_ = 0;
  sys::Ticks next_reanchor_ = 0;
  sys::Ticks idle_since_ = 0;
  bool idle_ = false;
  bool slept_ = false;  // In this idle time.
  sys::Ticks drain_until_ = 0;
  sys::Ticks last_open_ = 0;  // When the drain began, or last had tasks in flight.
  bool stop_asked_ = false;
  std::atomic<bool> drain_requested_{false};
};

using Door = BasicDoor<sys::ProdEnv>;

extern template class BasicDoor<sys::ProdEnv>;

}  // namespace weft
