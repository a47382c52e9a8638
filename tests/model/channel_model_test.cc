// Channels between threads under every interleaving and every value a load may return: senders and
// a receiver who wait for one another at their seats while somebody closes the channel. What was
// sent is received once, whole and in its sender's order, also what a close races with; nothing is
// sent after it; nobody sleeps for ever; and nobody is notified who is gone. Ring, seats and the
// loop of who waits are the real ones; sending, receiving and closing do what ring_channel.h does.
// Then each memory order weakened, and each wrong form, must be caught.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "async/channel_ring.h"
#include "async/seat.h"
#include "async/wait_at.h"
#include "expectations.h"
#include "mutants/blindwaitat.h"
#include "mutants/countingseat.h"
#include "mutants/hastychannelring.h"
#include "mutants/heedlesschannelring.h"
#include "mutants/hurriedwaitat.h"
#include "mutants/lookingseat.h"
#include "mutants/tellingchannelring.h"
#include "mutants/wastefulwaitat.h"

namespace weft::model {
namespace {

constexpr size_t kSendersMax = 2;
constexpr size_t kAnother = 2;  // A desk beside the receiver's and one sender's.

enum class Closer : uint8_t { kNobody, kLastSender, kReceiver, kThread };

struct Plan {
  size_t capacity = 1;
  std::vector<size_t> sends;  // Of each sender.
  Closer closer = Closer::kNobody;
  // Of the receiver, before it closes; of one that closes nothing, all that are sent.
  size_t receives = 0;
  bool receiver_waits = true;   // Else it looks so often, closes, and takes what it finds.
  bool senders_wait = true;     // Else they try once.
  bool sender_elapses = false;  // The first send of the first does not wait.
  bool receiver_elapses = false;
  bool starts_full = false;  // Of a capacity of one.
  // Before the receiver looks, one more sender has gone to sleep in the row.
  bool another_sleeps = false;
  // The wrong use.
  bool wakes_before_publishing = false;

  Options options() const {
    return {.threads = 1 + sends.size() + (closer == Closer::kThread ? 1 : 0)};
  }
};

// Two cells, so that half an item would be seen.
struct Letter {
  Letter() = default;
  Letter(const Letter&) = default;
  Letter& operator=(const Letter& other) noexcept {
    sender = other.sender;
    serial = other.serial;
    return *this;
  }

  Cell<size_t> sender{kSendersMax};
  Cell<size_t> serial{0};
};

// Where a thread is notified.
struct Desk {
  Atomic<uint32_t> notified{0};
  bool waits_in_vain = false;  // Waits elapse.
};

// What RemoteWaiter is, of a thread. It looks by changing nothing: a load could go on reading what
// was before, for ever.
class Waiter {
 public:
  explicit Waiter(Desk& desk) : desk_(desk) { desk_.notified.store(0, std::memory_order_relaxed); }
  ~Waiter() {
    if (!stays) is_alive_ = 0;
  }

  void Notify() {
    Require(is_alive_.get() == 1, "somebody was notified who is gone");
    Desk& desk = desk_;
    desk.notified.exchange(1, std::memory_order_release);
    desk.notified.Wake();
  }
  WaitResult Wait(int64_t /*until_ns*/) {
    if (desk_.waits_in_vain) return WaitResult::kElapsed;
    AwaitNotify();
    return WaitResult::kDone;
  }
  void AwaitNotify() {
    while (desk_.notified.fetch_add(0, std::memory_order_acquire) == 0) desk_.notified.Sleep(0);
  }

  Waiter* next = nullptr;
  Waiter* previous = nullptr;
  bool is_seated = false;
  bool stays = false;  // Until after the execution.

 private:
  Desk& desk_;
  Cell<int> is_alive_{1};
};

// What std::mutex is.
class ModelLock {
 public:
  void lock() {
    while (word_.exchange(1, std::memory_order_acquire) != 0) word_.Sleep(1);
  }
  void unlock() {
    word_.exchange(0, std::memory_order_release);
    word_.Wake();
  }

 private:
  Atomic<uint32_t> word_{0};
};

// How somebody waits: the real loop, or a mutant.
struct RealWait {
  template <class... Arguments>
  static WaitResult At(Arguments&... arguments) {
    return WaitAt<Waiter>(arguments...);
  }
};
struct BlindWait {
  template <class... Arguments>
  static WaitResult At(Arguments&... arguments) {
    return BlindWaitAt<Waiter>(arguments...);
  }
};
struct HurriedWait {
  template <class... Arguments>
  static WaitResult At(Arguments&... arguments) {
    return HurriedWaitAt<Waiter>(arguments...);
  }
};
struct WastefulWait {
  template <class... Arguments>
  static WaitResult At(Arguments&... arguments) {
    return WastefulWaitAt<Waiter>(arguments...);
  }
};

template <class Ring, class ReceiverSeat, class SenderSeats, class Wait>
class ChannelScenario : public Scenario {
 public:
  explicit ChannelScenario(const Plan& plan) : plan_(plan), ring_(plan.capacity) {
    if (plan.closer == Closer::kLastSender && plan.sends.size() > 1) gone_.emplace(0);
    desks_[0].waits_in_vain = plan.receiver_elapses;
    desks_[1].waits_in_vain = plan.sender_elapses;
    if (plan.starts_full) Require(ring_.Push(Letter{}) == TryResult::kDone, "it was full");
  }

  void Run(size_t thread) override {
    if (thread == 0) {
      Receive();
    } else if (thread <= plan_.sends.size()) {
      Send(thread - 1);
    } else {
      Close();
    }
  }

  void Finish() override {
    const bool sleeps = another_ && desks_[kAnother].notified.load(std::memory_order_acquire) == 0;
    Require(!sleeps || ring_.IsFull(), "somebody sleeps beside a free place");
    // One that waits for nothing leaves what came late.
    Letter letter;
    while (ring_.Pop(&letter) == TryResult::kDone) Note(letter);
    for (size_t sender = 0; sender < kSendersMax; ++sender) {
      Require(received_[sender] == sent_[sender], "an item was lost");
    }
  }

 private:
  // ---- As in ring_channel.h.

  TryResult TrySend(const Letter& letter) {
    if (plan_.wakes_before_publishing) receiver_.WakeOne();
    Letter item = letter;
    const TryResult tried = ring_.Push(std::move(item));
    if (tried == TryResult::kDone && !plan_.wakes_before_publishing) receiver_.WakeOne();
    return tried;
  }
  TryResult TryReceive(Letter* letter) {
    const TryResult tried = ring_.Pop(letter);
    if (tried == TryResult::kDone) senders_.WakeOne();
    return tried;
  }
  void Close() {
    ring_.Close();
    receiver_.WakeAll();
    senders_.WakeAll();
  }

  // ---- The threads.

  void Send(size_t sender) {
    for (size_t i = 0; i < plan_.sends[sender]; ++i) {
      Letter letter;
      letter.sender = sender;
      letter.serial = sent_[sender];
      const WaitResult result = !plan_.senders_wait
                                    ? WaitResultOf(TrySend(letter))
                                    : Await(
                                          senders_, 1 + sender, [&] { return TrySend(letter); },
                                          [&] { return ring_.IsFull(); });
      if (result == WaitResult::kDone) {
        Require(!heard_[sender], "something was sent after the close was heard");
        ++sent_[sender];
      }
      heard_[sender] = heard_[sender] || result == WaitResult::kClosed;
      desks_[1 + sender].waits_in_vain = false;
    }
    if (plan_.closer != Closer::kLastSender) return;
    // As ends are counted.
    if (!gone_.has_value() || gone_->fetch_add(1, std::memory_order_acq_rel) == 1) Close();
  }

  void Receive() {
    if (plan_.another_sleeps) {
      another_.emplace(desks_[kAnother]).stays = true;
      senders_.Sit(*another_);
      Require(ring_.IsFull(), "it was full");
    }
    for (size_t i = 0; i < plan_.receives; ++i) ReceiveOne();
    if (plan_.closer == Closer::kNobody) return;
    if (plan_.closer == Closer::kReceiver) Close();
    while (ReceiveOne()) {
    }
  }

  // False: it is over.
  bool ReceiveOne() {
    Letter letter;
    if (!plan_.receiver_waits) {
      const TryResult tried = TryReceive(&letter);
      is_over_ = is_over_ || tried == TryResult::kClosed;
      if (tried == TryResult::kDone) Note(letter);
      return tried == TryResult::kDone;
    }
    const WaitResult result = Await(
        receiver_, 0, [&] { return TryReceive(&letter); }, [&] { return ring_.IsEmpty(); });
    desks_[0].waits_in_vain = false;
    is_over_ = is_over_ || result == WaitResult::kClosed;
    if (result == WaitResult::kDone) Note(letter);
    return result == WaitResult::kDone || result == WaitResult::kElapsed;
  }

  template <class Seats, class Attempt, class Look>
  WaitResult Await(Seats& seats, size_t thread, Attempt attempt, Look look) {
    int64_t until_ns = 0;
    return Wait::At(seats, desks_[thread], until_ns, attempt, look);
  }

  void Note(const Letter& letter) {
    Require(!is_over_, "an item came after the end");
    const size_t sender = letter.sender.get();
    if (plan_.starts_full && sender == kSendersMax) return;
    Require(sender < kSendersMax, "an item that nobody sent");
    Require(letter.serial.get() == received_[sender], "an item doubled or out of order");
    ++received_[sender];
  }

  const Plan& plan_;
  Ring ring_;
  ReceiverSeat receiver_;
  SenderSeats senders_;
  std::array<Desk, 1 + kSendersMax> desks_;
  std::optional<Atomic<uint64_t>> gone_;
  std::array<size_t, kSendersMax> sent_{};
  std::array<size_t, kSendersMax> received_{};
  std::array<bool, kSendersMax> heard_{};
  bool is_over_ = false;
  std::optional<Waiter> another_;
};

using SoundRing = ChannelRing<Letter, Atomic>;
using SoundSeat = Seat<Waiter, Atomic>;
using SoundRow = SeatRow<Waiter, Atomic, SeatOrders, ModelLock>;

template <class Ring = SoundRing, class ReceiverSeat = SoundSeat, class SenderSeats = SoundSeat,
          class Wait = RealWait>
Make Of(const Plan& plan) {
  return [&plan] {
    return std::make_unique<ChannelScenario<Ring, ReceiverSeat, SenderSeats, Wait>>(plan);
  };
}

constexpr const char* kLost = "sleeps for ever";
constexpr const char* kRace = "data race";

const Plan kOneReceived{.capacity = 1, .sends = {1}, .closer = Closer::kLastSender};
const Plan kOneOfTwoWaits{.capacity = 1,
                          .sends = {2},
                          .closer = Closer::kReceiver,
                          .receives = 1,
                          .receiver_waits = false};
const Plan kClosedByAThread{.capacity = 1, .sends = {1}, .closer = Closer::kThread};
const Plan kOnePlaceIsTaken{
    .capacity = 1, .sends = {1}, .receives = 1, .receiver_waits = false, .starts_full = true};
// Two in a row, of whom the one does not wait.
const Plan kOneOfARowElapses{.capacity = 1,
                             .sends = {1},
                             .receives = 1,
                             .receiver_waits = false,
                             .sender_elapses = true,
                             .starts_full = true,
                             .another_sleeps = true};

TEST(ChannelModel, TheReceiverWaitsForOneAndForTheClose) {
  ExpectSound(kOneReceived.options(), Of<>(kOneReceived));
}

TEST(ChannelModel, TheSenderWaitsForAPlaceAndForTheClose) {
  ExpectSound(kOneOfTwoWaits.options(), Of<>(kOneOfTwoWaits));
}

TEST(ChannelModel, BothWaitInTurn) {
  const Plan plan{.capacity = 1, .sends = {2}, .receives = 2};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(ChannelModel, AThreadClosesWhatIsWaitedFor) {
  ExpectSound(kClosedByAThread.options(), Of<>(kClosedByAThread));
}

TEST(ChannelModel, WaitsElapse) {
  const Plan receiver{
      .capacity = 1, .sends = {1}, .closer = Closer::kLastSender, .receiver_elapses = true};
  ExpectSound(receiver.options(), Of<>(receiver));
  const Plan sender{.capacity = 1,
                    .sends = {2},
                    .closer = Closer::kReceiver,
                    .receives = 1,
                    .receiver_waits = false,
                    .sender_elapses = true};
  ExpectSound(sender.options(), Of<>(sender));
}

TEST(ChannelModel, TwoSendersToAReceiverThatWaits) {
  const Plan plan{.capacity = 2, .sends = {1, 1}, .closer = Closer::kNobody, .receives = 2};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(ChannelModel, TwoSendersAndACloseOfTheReceiver) {
  const Plan plan{.capacity = 2,
                  .sends = {1, 1},
                  .closer = Closer::kReceiver,
                  .receives = 1,
                  .receiver_waits = false};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(ChannelModel, OneWaitsInARow) {
  ExpectSound(kOneOfTwoWaits.options(), Of<SoundRing, SoundSeat, SoundRow>(kOneOfTwoWaits));
}

TEST(ChannelModel, OneWaitsInARowForThePlaceThatIsTaken) {
  ExpectSound(kOnePlaceIsTaken.options(), Of<SoundRing, SoundSeat, SoundRow>(kOnePlaceIsTaken));
}

TEST(ChannelModel, OneOfARowElapsesAndTheOtherIsServed) {
  ExpectSound(kOneOfARowElapses.options(), Of<SoundRing, SoundSeat, SoundRow>(kOneOfARowElapses));
}

// Two who wait for one place after the other, and for the close. Two waiters and a lock make
// 900,000 executions, which take a minute.
TEST(ChannelModel, TwoWaitInARow) {
  if (std::getenv("WEFT_TEST_LONG") == nullptr) GTEST_SKIP() << "WEFT_TEST_LONG=1 explores it";
  const Plan plan{.capacity = 1,
                  .sends = {1, 1},
                  .closer = Closer::kReceiver,
                  .receives = 1,
                  .receiver_waits = false};
  ExpectSound(plan.options(), Of<SoundRing, SoundSeat, SoundRow>(plan));
}

TEST(ChannelModel, CatchesAWakeBeforePublishing) {
  Plan plan = kOneReceived;
  plan.closer = Closer::kNobody;
  plan.receives = 1;
  plan.wakes_before_publishing = true;
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

TEST(ChannelModel, CatchesPublishBeforeWriting) {
  ExpectCaught(kOneReceived.options(), kRace, Of<HastyChannelRing<Letter, Atomic>>(kOneReceived));
}

TEST(ChannelModel, CatchesACloseThatIsToldBeforeItHolds) {
  ExpectCaught(kClosedByAThread.options(), "an item came after the end",
               Of<TellingChannelRing<Letter, Atomic>>(kClosedByAThread));
}

TEST(ChannelModel, CatchesAnEndThatDoesNotHeedWhatIsStillToCome) {
  ExpectCaught(kClosedByAThread.options(), "an item came after the end",
               Of<HeedlessChannelRing<Letter, Atomic>>(kClosedByAThread));
}

// A look alone may miss who sits: its load may pass the publishing store.
TEST(ChannelModel, CatchesAWakeThatOnlyLooksWhetherSomebodySits) {
  ExpectCaught(kOneReceived.options(), kLost,
               Of<SoundRing, LookingSeat<Waiter, Atomic>>(kOneReceived));
  using CountingRow = CountingSeatRow<Waiter, Atomic, CountingSeatOrders, ModelLock>;
  ExpectCaught(kOnePlaceIsTaken.options(), kLost,
               Of<SoundRing, SoundSeat, CountingRow>(kOnePlaceIsTaken));
}

TEST(ChannelModel, CatchesAWaitWithoutASecondLook) {
  ExpectCaught(kOneReceived.options(), kLost,
               Of<SoundRing, SoundSeat, SoundSeat, BlindWait>(kOneReceived));
}

TEST(ChannelModel, CatchesAWaiterThatGoesBeforeItIsNotified) {
  Plan plan = kOneReceived;
  plan.receiver_elapses = true;
  ExpectCaught(plan.options(), kRace, Of<SoundRing, SoundSeat, SoundSeat, HurriedWait>(plan));
}

TEST(ChannelModel, CatchesAWakeUpThatIsWasted) {
  ExpectCaught(kOneOfARowElapses.options(), "somebody sleeps beside a free place",
               Of<SoundRing, SoundSeat, SoundRow, WastefulWait>(kOneOfARowElapses));
}

enum class Order : uint8_t { kPublish, kConsume, kRecycle, kClaim, kShare, kLearn, kClose, kHear };

template <Order kWeakened>
struct WeakenedRing {
  using Was = ChannelRingOrders;
  static constexpr auto kPublish = Unless(kWeakened == Order::kPublish, Was::kPublish);
  static constexpr auto kConsume = Unless(kWeakened == Order::kConsume, Was::kConsume);
  static constexpr auto kRecycle = Unless(kWeakened == Order::kRecycle, Was::kRecycle);
  static constexpr auto kClaim = Unless(kWeakened == Order::kClaim, Was::kClaim);
  static constexpr auto kShare = Unless(kWeakened == Order::kShare, Was::kShare);
  static constexpr auto kLearn = Unless(kWeakened == Order::kLearn, Was::kLearn);
  static constexpr auto kClose = Unless(kWeakened == Order::kClose, Was::kClose);
  static constexpr auto kHear = Unless(kWeakened == Order::kHear, Was::kHear);
};

template <Order kWeakened>
void ExpectOrderNeeded(const Plan& plan, const char* reason) {
  ExpectCaught(plan.options(), reason,
               Of<ChannelRing<Letter, Atomic, WeakenedRing<kWeakened>>>(plan));
}

// One sender reads what the other has learnt of the receiver.
const Plan kOneTellsTheOther{
    .capacity = 1, .sends = {2, 1}, .receives = 2, .receiver_waits = false, .senders_wait = false};

TEST(ChannelModel, NeedsPublishToRelease) {
  ExpectOrderNeeded<Order::kPublish>(kOneReceived, kRace);
}
TEST(ChannelModel, NeedsConsumeToAcquire) {
  ExpectOrderNeeded<Order::kConsume>(kOneReceived, kRace);
}
TEST(ChannelModel, NeedsRecycleToRelease) {
  ExpectOrderNeeded<Order::kRecycle>(kOneOfTwoWaits, kRace);
}
TEST(ChannelModel, NeedsClaimToAcquire) { ExpectOrderNeeded<Order::kClaim>(kOneOfTwoWaits, kRace); }
TEST(ChannelModel, NeedsShareToRelease) {
  ExpectOrderNeeded<Order::kShare>(kOneTellsTheOther, kRace);
}
TEST(ChannelModel, NeedsLearnToAcquire) {
  ExpectOrderNeeded<Order::kLearn>(kOneTellsTheOther, kRace);
}
TEST(ChannelModel, NeedsCloseToRelease) {
  ExpectOrderNeeded<Order::kClose>(kClosedByAThread, "an item came after the end");
}
TEST(ChannelModel, NeedsHearToAcquire) {
  ExpectOrderNeeded<Order::kHear>(kClosedByAThread, "an item came after the end");
}

constexpr auto kBoth = SeatOrders::kSit;
static_assert(kBoth == SeatOrders::kWake);
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

template <std::memory_order kSitAs, std::memory_order kWakeAs>
struct WeakenedSeat {
  static constexpr auto kSit = kSitAs;
  static constexpr auto kWake = kWakeAs;
};

template <std::memory_order kSitAs, std::memory_order kWakeAs>
void ExpectSeatNeeds(const char* reason) {
  ExpectCaught(kOneReceived.options(), reason,
               Of<SoundRing, Seat<Waiter, Atomic, WeakenedSeat<kSitAs, kWakeAs>>>(kOneReceived));
}

template <std::memory_order kSitAs, std::memory_order kWakeAs>
void ExpectRowNeeds(const char* reason) {
  using Row = SeatRow<Waiter, Atomic, WeakenedSeat<kSitAs, kWakeAs>, ModelLock>;
  ExpectCaught(kOnePlaceIsTaken.options(), reason, Of<SoundRing, SoundSeat, Row>(kOnePlaceIsTaken));
}

TEST(ChannelModel, NeedsSitToAcquire) {
  ExpectSeatNeeds<kRelease, kBoth>(kLost);
  ExpectRowNeeds<kRelease, kBoth>(kLost);
}
TEST(ChannelModel, NeedsSitToRelease) { ExpectSeatNeeds<kAcquire, kBoth>(kRace); }
TEST(ChannelModel, NeedsWakeToAcquire) { ExpectSeatNeeds<kBoth, kRelease>(kRace); }
TEST(ChannelModel, NeedsWakeToRelease) {
  ExpectSeatNeeds<kBoth, kAcquire>(kLost);
  ExpectRowNeeds<kBoth, kAcquire>(kLost);
}

}  // namespace
}  // namespace weft::model
