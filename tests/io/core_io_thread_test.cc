// Proves that a core which sleeps whenever it can misses no completion, no message and no timer
// while file operations are under way, and loses no task to cancels at random moments. Nothing here
// depends on how long anything takes. The seed is printed and taken back from WEFT_TEST_SEED.
#include <array>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>
#include <utility>

#include "executor/task_io.h"
#include "io_fixture.h"

namespace weft {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRounds = 300;
#else
constexpr int kRounds = 2000;
#endif

uint64_t Seed() {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

using CoreIoThreadTest = IoTest;

// One at a time: each operation finds the core asleep or going to sleep.
TEST_P(CoreIoThreadTest, WakesForEveryCompletion) {
  EXPECT_EQ(Run("file.write", "file\nbytes").state, TaskState::kSucceeded);
  for (int round = 0; round < kRounds; ++round) EXPECT_EQ(Run("file.read", "file").output, "bytes");
}

TEST_P(CoreIoThreadTest, WakesForMessagesAndTimersWhileOperationsAreUnderWay) {
  EXPECT_EQ(Run("file.write", "file\nbytes").state, TaskState::kSucceeded);
  for (int round = 0; round < kRounds / 20; ++round) {
    Submit("file.write", "other\nbytes");
    Submit("sleep", "20us");
    EXPECT_EQ(Next().state, TaskState::kSucceeded);
    Submit("file.read", "file");
    Submit("noop", "");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Next().state, TaskState::kSucceeded);
  }
}

TEST_P(CoreIoThreadTest, EndsEveryTaskUnderRandomCancelsAndDeadlines) {
  const uint64_t seed = Seed();
  std::cout << "WEFT_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  EXPECT_EQ(Run("file.write", "file\n" + std::string(50'000, 'x')).state, TaskState::kSucceeded);
  const std::string payload = "other\n" + std::string(20'000, 'y');
  for (int round = 0; round < kRounds / 10; ++round) {
    std::vector<uint32_t> slots;
    for (int i = 0; i < 12; ++i) {
      const bool writes = random() % 2 == 0;
      const sys::Ticks timeout =
          random() % 4 == 0
              ? clock_.anchor().NsToTicks(static_cast<int64_t>(random() % 300'000) + 1)
              : 0;
      // Views of what outlives the tasks; the two must not meet in a string of their own.
      const std::string_view input = writes ? std::string_view(payload) : "file";
      slots.push_back(Submit(writes ? "file.write" : "file.hash", input, timeout));
    }
    for (const uint32_t slot : slots) {
      if (random() % 3 == 0) Cancel(slot);
    }
    for (size_t i = 0; i < slots.size(); ++i) EXPECT_TRUE(IsTerminal(Next().state));
  }
  const auto entries = std::distance(std::filesystem::directory_iterator(root_),
                                     std::filesystem::directory_iterator());
  EXPECT_LE(entries, 2);
  core_->Stop();
  EXPECT_EQ(core_->stats().violations.value(), 0u);
  EXPECT_EQ(core_->stats().io.in_flight.value(), 0);
}

// A cancel against the end of a timer, of a file operation, and of a task that never suspends.
// WEFT_TEST_RACES=600000 is a minute of ten thousand a second, and more.
TEST_P(CoreIoThreadTest, SettlesEveryRaceOfACancel) {
  constexpr int kRacesARound = 24;
  const char* const asked = std::getenv("WEFT_TEST_RACES");
  const int races = asked != nullptr ? std::atoi(asked) : 10 * kRounds;
  const uint64_t seed = Seed();
  std::cout << "WEFT_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  EXPECT_EQ(Run("file.write", "file\nbytes").state, TaskState::kSucceeded);
  constexpr std::pair<std::string_view, std::string_view> kTasks[] = {
      {"sleep", "20us"}, {"file.read", "file"}, {"spin", "2us"}};
  std::array<int, 3> outcomes{};
  for (int done = 0; done < races; done += kRacesARound) {
    next_slot_ = 0;  // All have ended and been answered.
    for (int i = 0; i < kRacesARound; ++i) {
      const auto& [handler, payload] = kTasks[random() % 3];
      const uint32_t slot = Submit(handler, payload);
      for (uint64_t pause = random() % 512; pause > 0; --pause) sys::ReadTicks();
      Cancel(slot);
    }
    std::array<TaskState, kRacesARound> ends{};
    std::array<int, kRacesARound> ended{};
    std::array<int, kRacesARound> answered{};
    for (int told = 0; told < 2 * kRacesARound;) {
      Completion completion;
      if (core_->Drain({&completion, 1}) == 0) {
        std::this_thread::yield();
        continue;
      }
      ++told;
      if (completion.kind == CompletionKind::kEnded) {
        ++ended[completion.slot];
        ends[completion.slot] = completion.state;
        continue;
      }
      ++answered[completion.slot];
      ++outcomes[static_cast<size_t>(completion.cancel_outcome)];
      if (completion.cancel_outcome == CancelOutcome::kCancelledQueued) {
        EXPECT_EQ(ends[completion.slot], TaskState::kCancelled);
      }
    }
    for (int i = 0; i < kRacesARound; ++i) {
      ASSERT_EQ(ended[static_cast<size_t>(i)], 1);
      ASSERT_EQ(answered[static_cast<size_t>(i)], 1);
      const TaskState end = ends[static_cast<size_t>(i)];
      ASSERT_TRUE(end == TaskState::kSucceeded || end == TaskState::kCancelled);
    }
  }
  core_->Stop();
  EXPECT_EQ(core_->stats().violations.value(), 0u);
  EXPECT_EQ(core_->stats().live.value(), 0);
  EXPECT_EQ(core_->stats().io.in_flight.value(), 0);
  std::cout << "cancelled while queued " << outcomes[0] << ", while running " << outcomes[1]
            << ", too late " << outcomes[2] << "\n";
}

// Reading tasks, for what their handlers own lies in the core: suspended ones are not unwound.
TEST_P(CoreIoThreadTest, StopsWithOperationsUnderWay) {
  const std::string payload = "file\n" + std::string(900'000, 'y');
  EXPECT_EQ(Run("file.write", payload).state, TaskState::kSucceeded);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) Submit("file.read", "file");
    Start(root_);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, CoreIoThreadTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), BackendName);

}  // namespace
}  // namespace weft
