// The C interface between threads: one attaches, another's executor runs.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "weft/weft.h"

namespace weft {
namespace {

weft_result CancelItself(weft_context* context, void*) {
  weft_task* const self = weft_context_task(context);
  EXPECT_EQ(weft_task_is_done(self).value, 0);
  EXPECT_EQ(weft_task_result(self).code, WEFT_BUSY);
  EXPECT_EQ(weft_task_cancel(self).value, 1);
  return weft_suspend_for_duration(context, 60'000'000'000);
}

// Its code may begin before weft_task_attach has returned.
TEST(CAbiThread, ATaskOfAnotherThreadCancelsItself) {
  std::atomic<weft_executor*> theirs{nullptr};
  std::atomic<bool> over{false};
  std::thread owner([&] {
    const timespec wait = {.tv_sec = 0, .tv_nsec = 1'000'000};
    weft_executor* mine = nullptr;
    if (weft_executor_create(&mine, nullptr).code != WEFT_OK) std::abort();
    theirs.store(mine);
    while (!over.load()) weft_executor_run(mine, 64, &wait);
    EXPECT_EQ(weft_executor_quiesce(mine, 1'000'000'000).value, 0);
    EXPECT_EQ(weft_executor_destroy(mine).code, WEFT_OK);
  });
  while (theirs.load() == nullptr) std::this_thread::yield();
  weft_task_attr attr = {};
  attr.code = &CancelItself;
  weft_task* task = nullptr;
  ASSERT_EQ(weft_task_create(&task, &attr).code, WEFT_OK);
  for (int round = 0; round < 300; ++round) {
    if (weft_task_attach(theirs.load(), task).code != WEFT_OK) {
      ADD_FAILURE() << "round " << round;
      break;
    }
    while (weft_task_is_done(task).value == 0) std::this_thread::yield();
    EXPECT_EQ(weft_task_result(task).code, WEFT_CANCELLED) << weft_task_result(task).message;
  }
  over.store(true);
  owner.join();
  weft_task_destroy(task);
}

}  // namespace
}  // namespace weft
