#include "dispatch/lent_door.h"

#include <algorithm>
#include <utility>

#include "core/manual_env.h"

namespace weft {

// ---- The Door's own thread.

template <class Env>
bool LentDoor<Env>::MaybeLend(BasicDoor<Env>& door) {
  if (door.draining() || env_.Now() < stays_until_) return false;
  // The turn that it came back for still goes on.
  if (held_turn_ != 0 && turns_.load(std::memory_order_relaxed) == held_turn_) return false;
  const sys::Ticks lent_at = env_.Now();
  door_ = &door;
  came_back_.store(0, std::memory_order_relaxed);
  place_.store(kLent, std::memory_order_release);
  if (!mail_.is_sent.exchange(true, std::memory_order_acq_rel)) core_->Deliver(mail_);
  AwaitReturn();
  const sys::Ticks now = env_.Now();
  const bool was_brief = now - lent_at < env_.anchor().NsToTicks(kStayNs);
  stay_ns_ = was_brief ? std::min(2 * stay_ns_, kLongestStayNs) : kStayNs;
  stays_until_ = now + env_.anchor().NsToTicks(stay_ns_);
  return true;
}

template <class Env>
void LentDoor<Env>::AwaitReturn() {
  held_turn_ = 0;
  uint64_t seen = turns_.load(std::memory_order_relaxed);
  int64_t look_ns = kLookNs;
  bool is_home = false;
  while (!is_home) {
    env_.Sleep(came_back_, 0, env_.Now() + env_.anchor().NsToTicks(look_ns));
    const uint64_t turns = turns_.load(std::memory_order_relaxed);
    is_home = came_back_.load(std::memory_order_acquire) != 0 || TakeBack(turns, seen);
    // One that sleeps, and wakes now and then, need not be looked at as often as one that works.
    look_ns = is_turning(turns)
                  ? kLookNs
                  : std::min(2 * look_ns, longest_look_ns_.load(std::memory_order_relaxed));
    seen = turns;
  }
}

// If the turn that was seen still goes on.
template <class Env>
bool LentDoor<Env>::TakeBack(uint64_t turns, uint64_t seen) {
  if (turns != seen || !is_turning(turns)) return false;
  uint32_t lent = kLent;
  if (!place_.compare_exchange_strong(lent, kHome, std::memory_order_acquire)) return false;
  held_turn_ = turns;
  return true;
}

// ---- The core's thread.

template <class Env>
bool LentDoor<Env>::Take() {
  uint32_t lent = kLent;
  return place_.compare_exchange_strong(lent, kInUse, std::memory_order_acquire);
}

template <class Env>
void LentDoor<Env>::Leave() {
  place_.store(kHome, std::memory_order_relaxed);
  came_back_.store(1, std::memory_order_release);
  env_.Wake(came_back_);
}

template <class Env>
bool LentDoor<Env>::Round() {
  const uint64_t turns = turns_.load(std::memory_order_relaxed);
  turns_.store(turns + turns % 2, std::memory_order_relaxed);
  bool worked = false;
  if (Take()) {
    worked = ServeDoor();
    if (door_->draining()) {
      Leave();
    } else {
      place_.store(kLent, std::memory_order_release);
    }
  }
  turns_.store(turns + turns % 2 + 1, std::memory_order_relaxed);
  // What it brought is to run at once.
  return worked || core_->has_ready();
}

// As long as there is more to come and it is not enough, so that what comes together also runs
// together.
template <class Env>
bool LentDoor<Env>::ServeDoor() {
  const sys::Ticks began = env_.Now();
  const uint64_t given_before = std::exchange(given_, core_->given());
  const bool core_gets_on = given_ != given_before && core_->has_ready();
  if (core_gets_on && began - served_at_ < core_slice_) return false;
  bool worked = door_->CollectAll();
  while (door_->Round()) {
    worked = true;
    served_at_ = env_.Now();
    if (door_->has_enough() || served_at_ - began >= door_slice_) return true;
  }
  served_at_ = env_.Now();
  return worked;
}

template <class Env>
bool LentDoor<Env>::Rest(const Wish& wish) {
  if (!Take()) return false;
  const sys::Ticks now = env_.Now();
  const bool is_near =
      wish.until != sys::kTicksForever && wish.until < now + env_.anchor().NsToTicks(kNearNs);
  if (wish.waits_in_ring || is_near || door_->draining()) {
    Leave();
    return false;
  }
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  is_resting_.store(true, std::memory_order_relaxed);
  // The last of the time is the core's own sleep.
  const sys::Ticks until =
      wish.until == sys::kTicksForever ? wish.until : wish.until - env_.anchor().NsToTicks(kNearNs);
  door_->Idle(until, wish.has_work, wish.core);
  is_resting_.store(false, std::memory_order_relaxed);
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  place_.store(kLent, std::memory_order_release);
  return true;
}

template class LentDoor<sys::ProdEnv>;
template class LentDoor<ManualEnv>;

}  // namespace weft
