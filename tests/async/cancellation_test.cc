// Tokens, their trees and guards, and tasks that are spawned with one.
#include "async/cancellation.h"

#include <atomic>
#include <optional>

#include "async/spawn_family.h"
#include "async_fixture.h"

namespace weft {
namespace {

using CancellationTest = AsyncTest;

TEST_F(CancellationTest, ACancelReachesAllBelowAndNothingAbove) {
  const CancellationToken root;
  const CancellationToken child = root.Child();
  const CancellationToken grandchild = child.Child();
  const CancellationToken sibling = root.Child();
  child.Cancel();
  EXPECT_FALSE(root.is_cancelled());
  EXPECT_TRUE(child.is_cancelled());
  EXPECT_TRUE(grandchild.is_cancelled());
  EXPECT_FALSE(sibling.is_cancelled());
  root.Cancel();
  root.Cancel();
  EXPECT_TRUE(sibling.is_cancelled());
  EXPECT_TRUE(root.Child().is_cancelled()) << "born cancelled";
}

TEST_F(CancellationTest, ATokenOutlivesItsTree) {
  std::optional<CancellationToken> leaf;
  {
    const CancellationToken root;
    leaf = root.Child().Child();
  }
  EXPECT_FALSE(leaf->is_cancelled());
  leaf->Cancel();
  EXPECT_TRUE(leaf->is_cancelled());
}

TEST_F(CancellationTest, ADeepTreeIsCancelledAndFreedWithoutADeepStack) {
  constexpr int kDeep = 200'000;
  CancellationToken root;
  CancellationToken leaf = root;
  for (int i = 0; i < kDeep; ++i) leaf = leaf.Child();
  root.Cancel();
  EXPECT_TRUE(leaf.is_cancelled());
  leaf = CancellationToken();
  CancellationToken deep;
  for (int i = 0; i < kDeep; ++i) deep = deep.Child();
  deep = CancellationToken();
}

TEST_F(CancellationTest, AGuardCancelsUnlessItIsDisarmed) {
  const CancellationToken token;
  { const DropGuard guard = token.Child().Guard(); }
  {
    DropGuard guard = token.Guard();
    guard.Disarm();
  }
  EXPECT_FALSE(token.is_cancelled());
  { const DropGuard moved = token.Guard(); }
  EXPECT_TRUE(token.is_cancelled());
}

TEST_F(CancellationTest, ATaskWaitsForACancelFromAnywhere) {
  const CancellationToken token;
  std::optional<WaitResult> result;
  Go([&](TaskContext& context) { result = token.Wait(context); });
  Settle();
  EXPECT_FALSE(result.has_value());
  Elsewhere([&] { token.Cancel(); });
  Settle();
  EXPECT_EQ(result, WaitResult::kDone);
  result.reset();
  Go([&](TaskContext& context) { result = token.Wait(context); });
  Settle();
  EXPECT_EQ(result, WaitResult::kDone) << "it was before";
}

TEST_F(CancellationTest, TheWaitMayElapse) {
  const CancellationToken token;
  WaitResult result = WaitResult::kDone;
  Go([&](TaskContext& context) { result = token.Wait(context, NowNs() + 1'000); });
  Settle();
  Advance(100'000);
  EXPECT_EQ(result, WaitResult::kElapsed);
  token.Cancel();  // Nobody listens any more.
  Settle();
}

TEST_F(CancellationTest, ACancellableTaskIsStoppedWhileItWaits) {
  const CancellationToken token;
  WakeReason reason = WakeReason::kElapsed;
  auto handle = SpawnCancellable(host(), token.Child(), [&](TaskContext& context) {
    reason = context.SleepFor(1'000'000'000);
    return 1;
  });
  Settle();
  Elsewhere([&] { token.Cancel(); });
  Settle();
  EXPECT_EQ(reason, WakeReason::kCancelled);
  EXPECT_EQ(*handle->BlockingJoin(), 1);
}

TEST_F(CancellationTest, ACancellableTaskThatHasNotBegunNeverDoes) {
  const CancellationToken token;
  bool ran = false;
  auto handle = SpawnCancellable(host(), token, [&] { ran = true; });
  token.Cancel();
  Settle();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(absl::IsCancelled(handle->BlockingJoin()));
}

TEST_F(CancellationTest, TheCancelOfATaskThatHasEndedIsHarmless) {
  const CancellationToken token;
  const CancelHandle cancel(token);
  auto handle = SpawnCancellable(host(), token, [] { return 1; });
  Settle();
  EXPECT_FALSE(cancel.is_cancellation_requested());
  cancel.Cancel();
  EXPECT_TRUE(cancel.is_cancellation_requested());
  Settle();
  EXPECT_EQ(*handle->BlockingJoin(), 1);
}

}  // namespace
}  // namespace weft
