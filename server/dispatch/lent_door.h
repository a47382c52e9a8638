#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/core.h"
#include "core/guest.h"
#include "dispatch/door.h"
#include "executor/mail.h"
#include "sys/clock.h"
#include "sys/prod_env.h"

namespace weft {

// Lends the Door to the thread of the only core, where the two have one CPU: each task then takes
// no switch between two threads and no wake. The Door comes back to its own thread when the core's
// cannot serve it: while one turn takes long, since a handler holds the core; while the core has to
// sleep in its ring or until a near timer, which gRPC's wait is too coarse for; and for the drain.
//
// Protocol. place_ says whose the Door is, and handing it on is a release, taking it an acquire, so
// that all it owns goes along; where it is sent home, came_back_ is that. During a turn it is
// nobody's: kLent. Only there its own thread takes it without being asked, once a turn has lasted
// for kLookNs, which it sees by turns_, odd while one goes on: after kLongestLookNs + kLookNs at
// the latest.
template <class Env>
class LentDoor final : public CoreGuest {
 public:
  explicit LentDoor(Env env)
      : env_(env),
        door_slice_(env_.anchor().NsToTicks(kDoorSliceNs)),
        core_slice_(env_.anchor().NsToTicks(kCoreSliceNs)) {
    mail_.open = [](Mail& mail) {
      static_cast<LendMail&>(mail).is_sent.store(false, std::memory_order_release);
    };
  }

  // Before Door::Run. The core, whose guest this is.
  void set_core(Core<Env>& core) { core_ = &core; }
  // Any thread. Whether the core's thread rests here.
  bool is_resting() const { return is_resting_.load(std::memory_order_relaxed); }
  // Any thread. executor.stall_threshold_ms: the Door must be home in time to see a stall.
  void set_stall_threshold_ms(uint32_t threshold_ms) {
    longest_look_ns_.store(
        std::clamp(int64_t{threshold_ms} * 1'000'000 / 2, kLookNs, kLongestLookNs),
        std::memory_order_relaxed);
  }

  // The Door's own thread. Lends it if that is worth it now, and returns when it is back: true.
  bool MaybeLend(BasicDoor<Env>& door);

  // The core's thread.
  bool Round() override;
  bool Rest(const Wish& wish) override;

  // How often a turn's length is looked at while the core works, and how rarely at most while it
  // sleeps.
  static constexpr int64_t kLookNs = 5'000'000;
  static constexpr int64_t kLongestLookNs = 20'000'000;
  // How long it stays, once it came back; twice as long each time that it comes back sooner.
  static constexpr int64_t kStayNs = 10'000'000;
  static constexpr int64_t kLongestStayNs = 1'000'000'000;
  // How long the Door and the core each go on while they have more to do and the other may, too.
  static constexpr int64_t kDoorSliceNs = 50'000;
  static constexpr int64_t kCoreSliceNs = 200'000;
  // A timer that is due so soon is the core's to sleep for.
  static constexpr int64_t kNearNs = 2'000'000;

 private:
  enum Place : uint32_t { kHome, kLent, kInUse };
  struct LendMail : Mail {
    std::atomic<bool> is_sent{false};
  };

  bool ServeDoor();
  bool Take();
  void Leave();
  void AwaitReturn();
  bool TakeBack(uint64_t turns, uint64_t seen);
  bool is_turning(uint64_t turns) const { return turns % 2 == 1; }

  Env env_;
  const sys::Ticks door_slice_;
  const sys::Ticks core_slice_;
  sys::Ticks served_at_ = 0;  // The core's thread only.
  Core<Env>* core_ = nullptr;
  BasicDoor<Env>* door_ = nullptr;  // Of whoever has it.
  std::atomic<uint32_t> place_{kHome};
  std::atomic<uint32_t> came_back_{0};  // What its own thread sleeps on.
  std::atomic<uint64_t> turns_{0};      // The core's thread writes.
  std::atomic<int64_t> longest_look_ns_{kLongestLookNs};
  sys::Ticks stays_until_ = 0;
  int64_t stay_ns_ = kStayNs;
  uint64_t held_turn_ = 0;  // That made it come back; 0: none did.
  uint64_t given_ = 0;      // By the core, at the last round. The core's thread only.
  std::atomic<bool> is_resting_{false};
  LendMail mail_;  // So that the core looks again, wherever it is on its way to sleep.
};

extern template class LentDoor<sys::ProdEnv>;

}  // namespace weft
