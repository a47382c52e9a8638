// Each built-in handler on manual time: what it answers, what it refuses, and that it obeys.
#include "handlers/builtin/builtin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "handlers/fake_context.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BuiltinHandlers, AreRegisteredUnderTheirNames) {
  HandlerRegistry registry;
  ASSERT_TRUE(RegisterBuiltinHandlers(registry).ok());
  std::vector<std::string> names;
  for (const HandlerRegistry::Row& row : registry.rows()) {
    names.emplace_back(row.handler->name());
    EXPECT_FALSE(row.handler->help().empty());
    EXPECT_EQ(row.handler->help().find('\n'), std::string_view::npos);
  }
  EXPECT_THAT(names,
              ElementsAre("noop", "echo", "spin", "sleep", "block", "sha256", "crc32c", "fail",
                          "file.read", "file.hash", "file.write", "tcp.request", "http.get"));
  EXPECT_FALSE(registry.Find("sleep")->never_suspends);
  EXPECT_FALSE(registry.Find("fail")->never_suspends);
  EXPECT_TRUE(registry.Find("spin")->never_suspends);
  EXPECT_FALSE(registry.Find("sleep")->pooled.is_set());
  EXPECT_TRUE(registry.Find("block")->blocking);
  EXPECT_TRUE(registry.Find("block")->pooled.is_set());
  EXPECT_EQ(RegisterBuiltinHandlers(registry).code(), absl::StatusCode::kAlreadyExists);
}

TEST(Noop, AnswersNothing) {
  FakeContext context("ignored");
  EXPECT_EQ(MakeNoopHandler()->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result(), "");
}

TEST(Echo, AnswersWithItsPayloadUncopied) {
  const std::string payload("a\0b\xff", 4);
  FakeContext context(payload);
  EXPECT_EQ(MakeEchoHandler()->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result(), payload);
  EXPECT_EQ(context.result().data(), payload.data());
}

TEST(Spin, IsBusyForTheWholeDurationAndNotMuchLonger) {
  FakeContext context("10us");
  EXPECT_EQ(MakeSpinHandler()->Run(context), TaskOutcome::kSucceeded);
  EXPECT_GE(context.now_ns(), 10'000);
  EXPECT_LE(context.now_ns(), 10'300);
  EXPECT_THAT(context.sleeps(), ElementsAre());
}

TEST(Spin, ObeysACancelWithinTwoMicroseconds) {
  FakeContext context("1s");
  context.CancelAt(50'000);
  EXPECT_EQ(MakeSpinHandler()->Run(context), TaskOutcome::kStopped);
  EXPECT_LE(context.now_ns(), 52'000);
}

TEST(Spin, ObeysItsDeadline) {
  FakeContext context("1s", /*deadline_ns=*/30'000);
  EXPECT_EQ(MakeSpinHandler()->Run(context), TaskOutcome::kStopped);
  EXPECT_GE(context.now_ns(), 30'000);
  EXPECT_LE(context.now_ns(), 32'000);
}

TEST(Spin, RefusesAPayloadThatIsNoDuration) {
  FakeContext context("fast");
  EXPECT_EQ(MakeSpinHandler()->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kInvalidPayload);
  EXPECT_THAT(context.error_message(), HasSubstr("\"fast\""));
}

TEST(Sleep, SuspendsOnceForTheDuration) {
  FakeContext context("10ms");
  EXPECT_EQ(MakeSleepHandler()->Run(context), TaskOutcome::kSucceeded);
  EXPECT_THAT(context.sleeps(), ElementsAre(10'000'000));
  EXPECT_EQ(context.now_ns(), 10'000'000);
  EXPECT_EQ(context.result(), "");
}

TEST(Sleep, ObeysACancelAndADeadline) {
  FakeContext cancelled("10ms");
  cancelled.CancelAt(1'000);
  EXPECT_EQ(MakeSleepHandler()->Run(cancelled), TaskOutcome::kStopped);
  FakeContext late("10ms", /*deadline_ns=*/2'000);
  EXPECT_EQ(MakeSleepHandler()->Run(late), TaskOutcome::kStopped);
  EXPECT_EQ(late.now_ns(), 2'000);
}

TEST(Sleep, RefusesAPayloadThatIsNoDuration) {
  FakeContext context("10");
  EXPECT_EQ(MakeSleepHandler()->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kInvalidPayload);
  EXPECT_THAT(context.sleeps(), ElementsAre());
}

std::string Digest(Handler& handler, std::string_view payload) {
  FakeContext context(payload);
  EXPECT_EQ(handler.Run(context), TaskOutcome::kSucceeded);
  return std::string(context.result());
}

TEST(Sha256, AgreesWithKnownDigests) {
  const std::unique_ptr<Handler> handler = MakeSha256Handler();
  EXPECT_EQ(Digest(*handler, ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Digest(*handler, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // FIPS 180-2: one million times "a", many chunks with a short one at the end.
  EXPECT_EQ(Digest(*handler, std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, StopsBetweenChunksAndStartsAfresh) {
  const std::unique_ptr<Handler> handler = MakeSha256Handler();
  const std::string payload(200'000, 'x');
  FakeContext cancelled(payload);
  cancelled.Cancel();
  EXPECT_EQ(handler->Run(cancelled), TaskOutcome::kStopped);
  EXPECT_EQ(Digest(*handler, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Crc32c, AgreesWithKnownValues) {
  const std::unique_ptr<Handler> handler = MakeCrc32cHandler();
  EXPECT_EQ(Digest(*handler, ""), "00000000");
  EXPECT_EQ(Digest(*handler, "123456789"), "e3069283");
  EXPECT_EQ(Digest(*handler, std::string(32, '\0')), "8a9136aa");  // RFC 3720, B.4.
  EXPECT_EQ(Digest(*handler, std::string(32, '\xff')), "62a8ab43");
}

TEST(Crc32c, IsTheSameWhetherOrNotThePayloadIsCutIntoChunks) {
  // Bit by bit, as the definition says.
  const std::string payload(150'001, 'q');
  uint32_t crc = ~uint32_t{0};
  for (const char c : payload) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
  }
  char expected[9];
  snprintf(expected, sizeof(expected), "%08x", ~crc);
  EXPECT_EQ(Digest(*MakeCrc32cHandler(), payload), expected);
}

TEST(Crc32c, StopsBetweenChunks) {
  const std::string payload(200'000, 'x');
  FakeContext cancelled(payload);
  cancelled.Cancel();
  EXPECT_EQ(MakeCrc32cHandler()->Run(cancelled), TaskOutcome::kStopped);
}

TEST(Fail, FailsWithTheMessageOfThePayload) {
  FakeContext context("error out of luck");
  EXPECT_EQ(MakeFailHandler()->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kHandlerFailed);
  EXPECT_EQ(context.error_message(), "out of luck");
}

TEST(Fail, FailsWithAMessageOfItsOwnWithoutOne) {
  for (const char* payload : {"", "error"}) {
    FakeContext context(payload);
    EXPECT_EQ(MakeFailHandler()->Run(context), TaskOutcome::kFailed);
    EXPECT_EQ(context.error_code(), TaskErrorCode::kHandlerFailed);
    EXPECT_THAT(context.error_message(), HasSubstr("as the payload asks"));
  }
}

TEST(Fail, ThrowsWithTheMessageOfThePayload) {
  FakeContext context("exception boom");
  try {
    MakeFailHandler()->Run(context);
    ADD_FAILURE() << "it returned";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "boom");
  }
}

TEST(Fail, OutstaysItsDeadlineAndThenObeys) {
  FakeContext context("deadline", /*deadline_ns=*/5'000'000);
  EXPECT_EQ(MakeFailHandler()->Run(context), TaskOutcome::kStopped);
  EXPECT_EQ(context.now_ns(), 5'000'000);
}

TEST(Fail, RefusesAnUnknownChoiceAndTellsTheChoices) {
  for (const char* payload : {"explode", "deadline now", "errors", "Error"}) {
    FakeContext context(payload);
    EXPECT_EQ(MakeFailHandler()->Run(context), TaskOutcome::kFailed);
    EXPECT_EQ(context.error_code(), TaskErrorCode::kInvalidPayload) << payload;
    EXPECT_THAT(context.error_message(),
                testing::AllOf(HasSubstr(payload), HasSubstr("exception [MESSAGE] or deadline")));
  }
}

}  // namespace
}  // namespace weft
