// A slot and its cancel word under every interleaving and every value a load may return: the Door
// submits a task, cancels it while it ends or does not, and uses the slot again for the next, which
// it may cancel, too. A cancel never reaches the other task of the slot, each is answered once, a
// task that was cancelled tells why, and what the slot holds beside the queues (its output) is
// touched by one side at a time. Inbox, outbox, cancel word and the Door's table are the real ones;
// the core's part is what core.cc does with a message, a start and an end. Then each memory order
// that this leans on made relaxed, wrong forms of the word, and wrong orders of its use, must be
// caught. The word's own accesses are relaxed already: that each cancel is followed by a message is
// what makes its reason known, and the task's name in it what keeps it from others.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "core/inbox.h"
#include "core/outbox.h"
#include "dispatch/task_table.h"
#include "executor/cancel_word.h"
#include "expectations.h"
#include "mutants/anybodyscancelword.h"
#include "mutants/forgetfulcancelword.h"

namespace weft::model {
namespace {

constexpr size_t kTasksMax = 3;

struct Plan {
  size_t tasks = 2;
  std::array<bool, kTasksMax> cancels{};  // Which of them.
  // The wrong uses.
  bool posts_before_setting = false;
  bool reuses_before_the_answer = false;
  bool clears_at_submission = false;
};

enum class State : uint8_t { kFree, kQueued, kSucceeded, kCancelled };

// What the queues carry is no Cell here: that it arrives whole is proved of each queue by itself.
struct Letter {
  TaskId id;
  bool is_cancel = false;
};

struct Answer {
  TaskId id;
  bool is_cancel_taken = false;
  State state = State::kFree;
};

template <class Word, class In, class Out>
class SlotScenario : public Scenario {
 public:
  explicit SlotScenario(const Plan& plan) : plan_(plan) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      for (size_t i = 0; i < plan_.tasks + 1; ++i) Turn();
      return;
    }
    SubmitNext();
    for (size_t i = 0; i < plan_.tasks + 1; ++i) {
      Collect();
      SubmitNext();
    }
  }

  void Finish() override {
    for (size_t i = 0; i < 2 * plan_.tasks; ++i) {
      Turn();
      Collect();
      SubmitNext();
    }
    Require(submitted_ == plan_.tasks && ended_ == plan_.tasks && is_free_, "a task was lost");
  }

 private:
  // ---- The core: TakeMessages, TakeSubmit, TakeCancel, NextTask, Execute and Tell.

  void Turn() {
    while (outbox_.HasRoom(2)) {
      const Letter* const letter = inbox_.Front();
      if (letter == nullptr) break;
      if (letter->is_cancel) {
        TakeCancel(letter->id);
      } else {
        TakeSubmit(letter->id);
      }
      inbox_.Pop();
    }
    if (state_ != State::kQueued || !outbox_.HasRoom(1)) return;
    if (word_.IsSetFor(id_)) return End();
    output_ = id_.value();
    if (word_.IsSetFor(id_)) return End();
    Tell(State::kSucceeded);
  }

  void TakeSubmit(TaskId id) {
    Require(state_ != State::kQueued, "a slot was used again before its task ended");
    if (plan_.clears_at_submission) word_.Set(TaskId(), CancelReason::kNone);
    id_ = id;
    state_ = State::kQueued;
  }

  void TakeCancel(TaskId id) {
    if (id_ == id && state_ == State::kQueued) End();
    outbox_.Push({.id = id, .is_cancel_taken = true});
  }

  // Of a task that was asked to stop.
  void End() {
    Require(word_.ReasonFor(id_) == CancelReason::kClient, "a task stopped without a reason");
    Tell(State::kCancelled);
  }

  void Tell(State state) {
    state_ = state;
    outbox_.Push({.id = id_, .state = state});
  }

  // ---- The Door: Submit, Cancel, Collect, OnEnded and OnCancelTaken.

  void SubmitNext() {
    if (!is_free_ || submitted_ == plan_.tasks) return;
    const TaskTable::Claimed claimed = table_.Claim();
    const TaskId id = table_.task(claimed.slot).id;
    is_free_ = false;
    Post(id, false);
    if (plan_.cancels[submitted_++]) Cancel(id);
  }

  void Cancel(TaskId id) {
    if (!plan_.posts_before_setting) word_.Set(id, CancelReason::kClient);
    Post(id, true);
    if (plan_.posts_before_setting) word_.Set(id, CancelReason::kClient);
    table_.task(0).cancel_posted = true;
  }

  void Post(TaskId id, bool is_cancel) {
    const Letter letter{.id = id, .is_cancel = is_cancel};
    Require(inbox_.Push({&letter, 1}) == 1, "full was said of an inbox with room");
  }

  void Collect() {
    std::array<Answer, 4> answers;
    const size_t count = outbox_.Drain(answers);
    for (size_t i = 0; i < count; ++i) OnAnswer(answers[i]);
  }

  void OnAnswer(const Answer& answer) {
    DoorTask& task = table_.task(0);
    Require(!is_free_ && task.id == answer.id, "an answer for a task that is gone");
    if (answer.is_cancel_taken) {
      Require(task.cancel_posted, "a cancel was answered twice");
      task.cancel_posted = false;
    } else {
      OnEnded(task, answer.state);
    }
    if (task.live || (task.cancel_posted && !plan_.reuses_before_the_answer)) return;
    task.cancel_posted = false;
    table_.Release(0);
    is_free_ = true;
  }

  void OnEnded(const DoorTask& task, State state) {
    Require(task.live, "a task ended twice");
    const bool was_cancelled = plan_.cancels[submitted_ - 1];
    Require(state != State::kCancelled || was_cancelled, "a cancel reached another task");
    Require(state == State::kCancelled || output_.get() == task.id.value(), "another's output");
    output_ = 0;
    ++ended_;
    table_.End(0);
  }

  const Plan& plan_;
  In inbox_{4};
  Out outbox_{2};
  Word word_;
  Cell<uint64_t> output_{0};  // The slot's, of whoever has the slot.
  // The core's.
  TaskId id_;
  State state_ = State::kFree;
  // The Door's.
  TaskTable table_{{.core_index = 1, .slots = 1, .kept = 0, .first_serial = 40}};
  bool is_free_ = true;
  size_t submitted_ = 0;
  size_t ended_ = 0;
};

using RealWord = BasicCancelWord<Atomic>;
using RealInbox = Inbox<Letter, Atomic>;
using RealOutbox = Outbox<Answer, Atomic>;

template <class Word = RealWord, class In = RealInbox, class Out = RealOutbox>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<SlotScenario<Word, In, Out>>(plan); };
}

constexpr Plan kTwoCancelled{.tasks = 2, .cancels = {true, true}};
constexpr Plan kFirstCancelled{.tasks = 3, .cancels = {true}};
constexpr Plan kNoneCancelled{.tasks = 3};

TEST(SlotModel, ThreeTasksOneAfterTheOther) { ExpectSound({}, Of<>(kNoneCancelled)); }

TEST(SlotModel, ACancelMeetsItsOwnTaskOrNone) { ExpectSound({}, Of<>(kFirstCancelled)); }

TEST(SlotModel, TwoCancelsInARow) { ExpectSound({}, Of<>(kTwoCancelled)); }

TEST(SlotModel, CatchesAWordThatNamesNoTask) {
  ExpectCaught({}, "a cancel reached another task",
               Of<BasicAnybodysCancelWord<Atomic>>(kFirstCancelled));
}

TEST(SlotModel, CatchesAWordThatForgetsTheGeneration) {
  ExpectCaught({}, "a cancel reached another task",
               Of<BasicForgetfulCancelWord<Atomic>>(kFirstCancelled));
}

TEST(SlotModel, CatchesACancelThatIsPostedBeforeItIsSet) {
  Plan plan = kFirstCancelled;
  plan.posts_before_setting = true;
  ExpectCaught({}, "a task stopped without a reason", Of<>(plan));
}

TEST(SlotModel, CatchesASlotThatIsUsedAgainBeforeItsCancelIsAnswered) {
  Plan plan = kFirstCancelled;
  plan.reuses_before_the_answer = true;
  ExpectCaught({}, "an answer for a task that is gone", Of<>(plan));
}

TEST(SlotModel, CatchesACoreThatClearsTheWord) {
  Plan plan = kFirstCancelled;
  plan.clears_at_submission = true;
  ExpectCaught({}, "a task stopped without a reason", Of<>(plan));
}

enum class Order : uint8_t { kInboxPublish, kInboxConsume, kOutboxPublish, kOutboxConsume };

template <Order kWeakened>
struct WeakInboxOrders : InboxOrders {
  static constexpr auto kPublish = Unless(kWeakened == Order::kInboxPublish, InboxOrders::kPublish);
  static constexpr auto kConsume = Unless(kWeakened == Order::kInboxConsume, InboxOrders::kConsume);
};

template <Order kWeakened>
struct WeakOutboxOrders : OutboxOrders {
  static constexpr auto kPublish =
      Unless(kWeakened == Order::kOutboxPublish, OutboxOrders::kPublish);
  static constexpr auto kConsume =
      Unless(kWeakened == Order::kOutboxConsume, OutboxOrders::kConsume);
};

template <Order kWeakened>
void ExpectOrderNeeded(const Plan& plan, const char* reason) {
  ExpectCaught({}, reason,
               Of<RealWord, Inbox<Letter, Atomic, WeakInboxOrders<kWeakened>>,
                  Outbox<Answer, Atomic, WeakOutboxOrders<kWeakened>>>(plan));
}

TEST(SlotModel, NeedsTheQueuesToHandTheSlotOver) {
  ExpectOrderNeeded<Order::kInboxPublish>(kNoneCancelled, "data race");
  ExpectOrderNeeded<Order::kInboxConsume>(kNoneCancelled, "data race");
  ExpectOrderNeeded<Order::kOutboxPublish>(kNoneCancelled, "data race");
  ExpectOrderNeeded<Order::kOutboxConsume>(kNoneCancelled, "data race");
}

TEST(SlotModel, NeedsTheInboxToBringTheReasonOfACancel) {
  constexpr const char* kWithout = "a task stopped without a reason";
  ExpectOrderNeeded<Order::kInboxPublish>(kFirstCancelled, kWithout);
  ExpectOrderNeeded<Order::kInboxConsume>(kFirstCancelled, kWithout);
}

}  // namespace
}  // namespace weft::model
