// Errands from other threads: each is run once or refused, however the Door's end falls between.
#include "dispatch/door_mail.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

namespace weft {
namespace {

class CountedErrand final : public DoorErrand {
 public:
  void Run() override { runs.fetch_add(1); }
  std::atomic<int> runs{0};
};

TEST(DoorMail, RunsWhatWasPutThere) {
  DoorMail mail;
  CountedErrand errand;
  EXPECT_TRUE(mail.empty());
  EXPECT_EQ(mail.RunAll(), 0u);
  EXPECT_TRUE(mail.Put(errand));
  EXPECT_FALSE(mail.empty());
  EXPECT_EQ(mail.RunAll(), 1u);
  EXPECT_EQ(errand.runs, 1);
  EXPECT_EQ(mail.RunAll(), 0u);
}

TEST(DoorMail, RefusesWhenFull) {
  DoorMail mail;
  std::deque<CountedErrand> errands(DoorMail::kMax + 1);
  for (size_t i = 0; i < DoorMail::kMax; ++i) EXPECT_TRUE(mail.Put(errands[i]));
  EXPECT_FALSE(mail.Put(errands.back()));
  EXPECT_EQ(mail.RunAll(), DoorMail::kMax);
  EXPECT_EQ(errands.back().runs, 0);
  EXPECT_TRUE(mail.Put(errands.back()));
}

TEST(DoorMail, RunsWhatWaitsWhenItClosesAndThenRefuses) {
  DoorMail mail;
  CountedErrand before;
  CountedErrand after;
  EXPECT_TRUE(mail.Put(before));
  mail.Close();
  EXPECT_EQ(before.runs, 1);
  EXPECT_FALSE(mail.Put(after));
  EXPECT_EQ(after.runs, 0);
}

TEST(DoorMail, RunsExactlyWhatItTookThoughItClosesMeanwhile) {
  constexpr int kRounds = 2'000;
  for (int round = 0; round < kRounds; ++round) {
    DoorMail mail;
    CountedErrand errand;
    bool taken = false;
    std::thread other([&] { taken = mail.Put(errand); });
    mail.RunAll();
    mail.Close();
    other.join();
    EXPECT_EQ(errand.runs, taken ? 1 : 0);
  }
}

}  // namespace
}  // namespace weft
