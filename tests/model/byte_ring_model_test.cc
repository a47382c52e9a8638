// The ring of a byte channel under every interleaving and every value a load may return, for a
// writer, a reader and somebody who closes it: what is read is what was written, whole and in
// order, also around the end of the ring; what a write was told to have been taken is all that
// comes; and nothing comes after the end. Who waits at its sides is as in channel_model_test.cc.
// Then each memory order made relaxed, and each wrong form, must be caught.

#include "async/byte_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <vector>

#include "expectations.h"
#include "mutants/hastybytering.h"
#include "mutants/openbytering.h"

namespace weft::model {
namespace {

struct Plan {
  size_t capacity = 2;
  std::vector<size_t> writes;  // So many bytes each.
  std::vector<size_t> reads;   // Into so many bytes each.
  bool is_closed = false;      // Meanwhile, by a third.

  Options options() const { return {.threads = is_closed ? 3U : 2U}; }
};

template <class Ring>
class ByteRingScenario : public Scenario {
 public:
  explicit ByteRingScenario(const Plan& plan) : plan_(plan), ring_(plan.capacity) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      for (const size_t bytes : plan_.writes) Write(bytes);
    } else if (thread == 1) {
      for (const size_t bytes : plan_.reads) Read(bytes);
    } else {
      ring_.Close();
    }
  }

  void Finish() override {
    Read(kMost);
    Read(kMost);
    Require(read_ == written_, "a byte was lost");
  }

 private:
  static constexpr size_t kMost = 4;
  using Bytes = std::array<Cell<size_t>, kMost>;

  // Byte p of the stream is p + 1.
  void Write(size_t bytes) {
    Bytes piece;
    for (size_t i = 0; i < bytes; ++i) piece[i] = written_ + i + 1;
    size_t count = 99;
    const TryResult result =
        ring_.Write(std::span<const Cell<size_t>>(piece.data(), bytes), &count);
    Require(count <= bytes && (count > 0) == (result == TryResult::kDone), "a wrong count");
    written_ += count;
  }

  void Read(size_t bytes) {
    Bytes piece;
    size_t count = 99;
    const TryResult result = ring_.Read(std::span(piece.data(), bytes), &count);
    Require(count <= bytes && (count > 0) == (result == TryResult::kDone), "a wrong count");
    Require(!is_over_ || count == 0, "a byte came after the end");
    is_over_ = is_over_ || result == TryResult::kClosed;
    for (size_t i = 0; i < count; ++i) {
      Require(piece[i].get() == ++read_, "a byte was torn, doubled or out of order");
    }
  }

  const Plan& plan_;
  Ring ring_;
  size_t written_ = 0;
  size_t read_ = 0;
  bool is_over_ = false;
};

template <class Ring = ByteRing<Cell<size_t>, Atomic>>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<ByteRingScenario<Ring>>(plan); };
}

const Plan kAround{.capacity = 2, .writes = {1, 2, 2}, .reads = {1, 2, 1}};
const Plan kClosed{.capacity = 2, .writes = {2, 1}, .reads = {1, 2, 2}, .is_closed = true};

TEST(ByteRingModel, GoesRoundInPieces) { ExpectSound(kAround.options(), Of<>(kAround)); }
TEST(ByteRingModel, PiecesOfFour) {
  const Plan plan{.capacity = 4, .writes = {3, 4, 2}, .reads = {2, 4, 3}};
  ExpectSound(plan.options(), Of<>(plan));
}
TEST(ByteRingModel, IsClosedMeanwhile) { ExpectSound(kClosed.options(), Of<>(kClosed)); }

TEST(ByteRingModel, CatchesPublishBeforeWriting) {
  ExpectCaught(kAround.options(), "data race", Of<HastyByteRing<Cell<size_t>, Atomic>>(kAround));
}

TEST(ByteRingModel, CatchesAWriteThatDoesNotHeedTheClose) {
  ExpectCaught(kClosed.options(), "a byte came after the end",
               Of<OpenByteRing<Cell<size_t>, Atomic>>(kClosed));
}

enum class Order : uint8_t { kPublish, kConsume, kRecycle, kClaim };

template <Order kWeakened>
struct WeakenedOrders {
  using Was = ByteRingOrders;
  static constexpr auto kPublish = Unless(kWeakened == Order::kPublish, Was::kPublish);
  static constexpr auto kConsume = Unless(kWeakened == Order::kConsume, Was::kConsume);
  static constexpr auto kRecycle = Unless(kWeakened == Order::kRecycle, Was::kRecycle);
  static constexpr auto kClaim = Unless(kWeakened == Order::kClaim, Was::kClaim);
};

template <Order kWeakened>
void ExpectOrderNeeded() {
  ExpectCaught(kAround.options(), "data race",
               Of<ByteRing<Cell<size_t>, Atomic, WeakenedOrders<kWeakened>>>(kAround));
}

TEST(ByteRingModel, NeedsPublishToRelease) { ExpectOrderNeeded<Order::kPublish>(); }
TEST(ByteRingModel, NeedsConsumeToAcquire) { ExpectOrderNeeded<Order::kConsume>(); }
TEST(ByteRingModel, NeedsRecycleToRelease) { ExpectOrderNeeded<Order::kRecycle>(); }
TEST(ByteRingModel, NeedsClaimToAcquire) { ExpectOrderNeeded<Order::kClaim>(); }

}  // namespace
}  // namespace weft::model
