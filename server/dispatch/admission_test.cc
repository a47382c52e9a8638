#include "dispatch/admission.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "task/limits.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class TwoHandlers final : public EntryLookup {
 public:
  TwoHandlers() {
    echo_.name = "echo";
    noop_.name = "noop";
  }
  const TaskEntry* Find(std::string_view name) const override {
    return name == "echo" ? &echo_ : name == "noop" ? &noop_ : nullptr;
  }
  std::string_view Nearest(std::string_view name) const override {
    return name == "ecoh" ? "echo" : "";
  }

 private:
  TaskEntry echo_;
  TaskEntry noop_;
};

const CoreLoad kIdle = {.queue_depth_max = 2};

class AdmissionTest : public ::testing::Test {
 protected:
  static DispatchOptions Options() {
    DispatchOptions options;
    options.max_queue_depth = 2;
    options.max_payload_bytes = 8;
    options.max_in_flight_bytes = 20;
    return options;
  }
  std::optional<Refusal> Check(const TaskSpec& spec) {
    return admission_.CheckSpec(spec, "specs[3]", &checked_);
  }

  TwoHandlers lookup_;
  Admission admission_{Options(), {2, 5}, lookup_};
  Admission::Checked checked_;
};

TEST_F(AdmissionTest, AdmitsASoundTask) {
  EXPECT_FALSE(Check({.handler = "echo", .payload = "12345678", .timeout_ns = kMaxTimeoutNs}));
  EXPECT_EQ(checked_.entry, lookup_.Find("echo"));
  EXPECT_FALSE(checked_.core.has_value());
  EXPECT_FALSE(admission_.CheckBounds({.handler = "echo", .payload = "12345678"}, 0, kIdle, 12));
}

TEST_F(AdmissionTest, FindsTheHandlerOfEachTaskWhateverTheOneBeforeNamed) {
  for (const char* handler : {"echo", "noop", "noop", "echo", "echo", "noop"}) {
    EXPECT_FALSE(Check({.handler = handler}));
    EXPECT_EQ(checked_.entry, lookup_.Find(handler)) << handler;
  }
  EXPECT_TRUE(Check({.handler = "nope"}));
  EXPECT_FALSE(Check({.handler = "noop"}));
  EXPECT_EQ(checked_.entry, lookup_.Find("noop"));
}

TEST_F(AdmissionTest, GivesTheIndexOfANamedCpu) {
  EXPECT_FALSE(Check({.handler = "echo", .cpu = 5}));
  EXPECT_EQ(checked_.core, 1u);
}

TEST_F(AdmissionTest, SuggestsTheNearestHandler) {
  const auto refusal = Check({.handler = "ecoh"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kUnknownHandler);
  EXPECT_EQ(refusal->field, "specs[3].handler");
  EXPECT_THAT(refusal->message, HasSubstr("\"ecoh\""));
  EXPECT_THAT(refusal->message, HasSubstr("did you mean \"echo\"?"));
}

TEST_F(AdmissionTest, RefusesAnEmptyHandlerInItsOwnWords) {
  const auto refusal = Check({.handler = ""});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kUnknownHandler);
  EXPECT_THAT(refusal->message, HasSubstr("is empty"));
}

TEST_F(AdmissionTest, CutsAndEscapesAHandlersName) {
  const std::string name = "a\nb" + std::string(200, 'x');
  const auto refusal = Check({.handler = name});
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message, HasSubstr("a\\nb"));
  EXPECT_LT(refusal->message.size(), 200u);
}

TEST_F(AdmissionTest, RefusesOneByteOverThePayloadBound) {
  const auto refusal = Check({.handler = "echo", .payload = "123456789"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kPayloadTooLarge);
  EXPECT_EQ(refusal->field, "specs[3].payload");
  EXPECT_EQ(refusal->bound, "limits.max_payload_bytes");
  EXPECT_THAT(refusal->message, HasSubstr("9 bytes; at most 8"));
}

TEST_F(AdmissionTest, RefusesTimeoutsOutOfRange) {
  for (const int64_t timeout_ns : {int64_t{-1}, kMaxTimeoutNs + 1, INT64_MIN, INT64_MAX}) {
    const auto refusal = Check({.handler = "echo", .timeout_ns = timeout_ns});
    ASSERT_TRUE(refusal) << timeout_ns;
    EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
    EXPECT_EQ(refusal->field, "specs[3].timeout_ns");
    EXPECT_THAT(refusal->message, HasSubstr(std::to_string(timeout_ns)));
  }
}

TEST_F(AdmissionTest, RefusesACpuOutsideTheSetAndListsTheSet) {
  const auto refusal = Check({.handler = "echo", .cpu = 3});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
  EXPECT_EQ(refusal->field, "specs[3].core");
  EXPECT_THAT(refusal->message, HasSubstr("core is 3"));
  EXPECT_EQ(refusal->absent_core, 3u);
  EXPECT_THAT(refusal->message, HasSubstr("not one of the 2 CPUs of executor.cores: 2,5"));
}

TEST_F(AdmissionTest, GivesAKeyTheSameCoreEachTime) {
  EXPECT_FALSE(Check({.handler = "echo", .affinity_key = "user/1"}));
  const std::optional<uint32_t> core = checked_.core;
  ASSERT_TRUE(core.has_value());
  EXPECT_LT(*core, 2u);
  checked_ = {};
  EXPECT_FALSE(Check({.handler = "echo", .affinity_key = std::string("user/1")}));
  EXPECT_EQ(checked_.core, core);
}

TEST_F(AdmissionTest, RefusesAKeyThatIsTooLongOrComesWithACore) {
  const std::string longest(kMaxAffinityKeyBytes, 'k');
  EXPECT_FALSE(Check({.handler = "echo", .affinity_key = longest}));
  const std::string longer = longest + "k";
  const auto overlong = Check({.handler = "echo", .affinity_key = longer});
  ASSERT_TRUE(overlong);
  EXPECT_EQ(overlong->reason, RefusalReason::kInvalidField);
  EXPECT_EQ(overlong->field, "specs[3].affinity_key");
  EXPECT_THAT(overlong->message, HasSubstr("has 129 bytes; at most 128"));
  const auto both = Check({.handler = "echo", .cpu = 5, .affinity_key = "k"});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->reason, RefusalReason::kInvalidField);
  EXPECT_EQ(both->field, "specs[3].affinity_key");
  EXPECT_THAT(both->message, HasSubstr("together with core 5"));
}

TEST_F(AdmissionTest, RefusesEverythingOnceDraining) {
  admission_.BeginDrain();
  const auto refusal = Check({.handler = "nobody"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kDraining);
}

TEST_F(AdmissionTest, LooksAtTheHandlerFirstAndTheCpuLast) {
  const TaskSpec all_wrong = {.handler = "x", .payload = "123456789", .timeout_ns = -1, .cpu = 9};
  EXPECT_EQ(Check(all_wrong)->field, "specs[3].handler");
  TaskSpec spec = all_wrong;
  spec.handler = "echo";
  EXPECT_EQ(Check(spec)->field, "specs[3].payload");
  spec.payload = "";
  EXPECT_EQ(Check(spec)->field, "specs[3].timeout_ns");
  spec.timeout_ns = 0;
  EXPECT_EQ(Check(spec)->field, "specs[3].core");
}

TEST_F(AdmissionTest, RefusesTheTaskBeyondTheDepthOfItsLevelOnly) {
  CoreLoad load = kIdle;
  load.admitted[1] = 5;
  load.started[1] = 2;
  load.ended_unstarted[1] = 1;
  const auto refusal = admission_.CheckBounds({.handler = "echo"}, 1, load, 0);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  EXPECT_EQ(refusal->bound, "executor.max_queue_depth (core 5, level normal)");
  EXPECT_EQ(refusal->retry_after_ns, 1'000'000'000);
  EXPECT_FALSE(admission_.CheckBounds({.priority = Priority::kHigh}, 1, load, 0));
  load.ended_unstarted[1] = 2;
  EXPECT_FALSE(admission_.CheckBounds({.handler = "echo"}, 1, load, 0));
}

TEST_F(AdmissionTest, RefusesTheByteThatPassesTheBytesInFlight) {
  const TaskSpec spec = {.handler = "echo", .payload = "1234"};
  EXPECT_FALSE(admission_.CheckBounds(spec, 0, kIdle, 16));
  const auto refusal = admission_.CheckBounds(spec, 0, kIdle, 17);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kPayloadBytesFull);
  EXPECT_EQ(refusal->bound, "limits.max_in_flight_bytes");
  EXPECT_GT(refusal->retry_after_ns, 0);
}

TEST_F(AdmissionTest, RefusesWhenEverySlotIsTaken) {
  CoreLoad load = kIdle;
  load.slots_full = true;
  const auto refusal = admission_.CheckBounds({.handler = "echo"}, 0, load, 0);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kSlotsFull);
  EXPECT_EQ(refusal->bound, "task slots (core 2)");
}

TEST_F(AdmissionTest, SaysWhereATaskWouldStartAndWhenToTryAgain) {
  const Refusal refusal =
      admission_.WouldMissDeadline(1, {.predicted_start_ns = 4'200'000, .deadline_ns = 1'000'000});
  EXPECT_EQ(refusal.reason, RefusalReason::kWouldMissDeadline);
  EXPECT_THAT(refusal.message,
              HasSubstr("would start in 4.2 ms on core 5, after its deadline of 1 ms"));
  EXPECT_EQ(refusal.bound, "deadline (core 5)");
  EXPECT_EQ(refusal.retry_after_ns, 3'200'000);
}

TEST_F(AdmissionTest, EstimatesTheRetryFromTheDrainRateWithinItsRange) {
  EXPECT_EQ(Admission::RetryAfterNs(1600, 10'000), 10'000'000);
  EXPECT_EQ(Admission::RetryAfterNs(1600, 0), 1'000'000'000);
  EXPECT_EQ(Admission::RetryAfterNs(1600, 1), 1'000'000'000);
  EXPECT_EQ(Admission::RetryAfterNs(16, 1'000'000), 1'000'000);
  EXPECT_EQ(Admission::RetryAfterNs(1), 1'000'000);
  EXPECT_EQ(Admission::RetryAfterNs(5'000'000), 5'000'000);
  EXPECT_EQ(Admission::RetryAfterNs(UINT64_MAX), 1'000'000'000);
}

}  // namespace
}  // namespace weft
