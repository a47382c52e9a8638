// The Door's mail under every interleaving and every value a load may return, while the Door ends:
// an errand that was taken is run once, one that was refused never, and what its sender wrote into
// it is there when it runs. Then each memory order weakened, and two wrong forms, must be caught.
// Waking a Door that sleeps is the doorbell's business (door_model_test.cc).

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "dispatch/door_mail.h"
#include "expectations.h"
#include "mutants/refusingdoormail.h"
#include "mutants/trustingdoormail.h"

namespace weft::model {
namespace {

constexpr size_t kErrandsMax = 2;

struct Plan {
  std::vector<size_t> puts;  // Of each sender.
  size_t looks = 0;          // Of the Door, before it closes its mail.

  Options options() const { return {.threads = 1 + puts.size()}; }
};

class Letter final : public DoorErrand {
 public:
  void Run() override {
    Require(content.get() == 7, "an errand was torn");
    Require(++runs == 1, "an errand was run twice");
  }

  Cell<int> content{0};
  size_t runs = 0;
  bool is_taken = false;
};

template <class Mail>
class MailScenario : public Scenario {
 public:
  explicit MailScenario(const Plan& plan) : plan_(plan) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      for (size_t i = 0; i < plan_.looks; ++i) mail_.RunAll();
      mail_.Close();
      return;
    }
    for (size_t i = 0; i < plan_.puts[thread - 1]; ++i) {
      Letter& letter = letters_[thread - 1][i];
      letter.content = 7;
      letter.is_taken = mail_.Put(letter);
    }
  }

  void Finish() override {
    for (const auto& letters : letters_) {
      for (const Letter& letter : letters) {
        Require(letter.runs <= (letter.is_taken ? 1U : 0U), "an errand that was refused was run");
        Require(letter.runs >= (letter.is_taken ? 1U : 0U), "an errand was lost");
      }
    }
  }

 private:
  const Plan& plan_;
  Mail mail_;
  std::array<std::array<Letter, kErrandsMax>, 2> letters_;
};

template <class Mail = BasicDoorMail<Atomic>>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<MailScenario<Mail>>(plan); };
}

const Plan kOneSender{.puts = {2}, .looks = 2};
const Plan kTwoSenders{.puts = {2, 1}, .looks = 1};

TEST(MailModel, OneSenderOfTwo) { ExpectSound(kOneSender.options(), Of<>(kOneSender)); }
TEST(MailModel, TwoSendersOfOne) { ExpectSound(kTwoSenders.options(), Of<>(kTwoSenders)); }

TEST(MailModel, CatchesASenderThatDoesNotLookWhetherItIsClosed) {
  ExpectCaught(kOneSender.options(), "an errand was lost",
               Of<BasicTrustingDoorMail<Atomic>>(kOneSender));
}

TEST(MailModel, CatchesASenderThatTakesTheWrongAnswer) {
  ExpectCaught(kOneSender.options(), "an errand", Of<BasicRefusingDoorMail<Atomic>>(kOneSender));
}

template <std::memory_order kPutAs, std::memory_order kTakeAs>
struct WeakenedOrders {
  static constexpr std::memory_order kPut = kPutAs;
  static constexpr std::memory_order kTake = kTakeAs;
};

template <std::memory_order kPutAs, std::memory_order kTakeAs>
void ExpectOrderNeeded(const char* reason) {
  ExpectCaught(kOneSender.options(), reason,
               Of<BasicDoorMail<Atomic, WeakenedOrders<kPutAs, kTakeAs>>>(kOneSender));
}

constexpr auto kBoth = DoorMailOrders::kPut;
static_assert(kBoth == DoorMailOrders::kTake);
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

TEST(MailModel, NeedsPutToRelease) { ExpectOrderNeeded<kAcquire, kBoth>("data race"); }
TEST(MailModel, NeedsTakeToAcquire) { ExpectOrderNeeded<kBoth, kRelease>("data race"); }
TEST(MailModel, NeedsPutToAcquire) { ExpectOrderNeeded<kRelease, kBoth>("an errand was lost"); }
TEST(MailModel, NeedsTakeToRelease) { ExpectOrderNeeded<kBoth, kAcquire>("an errand was lost"); }

}  // namespace
}  // namespace weft::model
