// ReloadConfig, with a daemon that the test plays: each way it can answer, a client that is gone by
// then, and an answer that never comes.
#include "rpc/reload_call.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "rpc/rpc_fixture.h"

namespace weft {
namespace {

class ReloadCallTest : public RpcFixture {
 protected:
  // Runs on the Door's thread at its next round, as the daemon's answer does.
  class Errand final : public DoorErrand {
   public:
    void Run() override { run(); }
    std::function<void()> run;
  };

  void AnswerWith(const ReloadResult& result) {
    request_reload_ = [this, result](AdminInfo::ReloadAnswer answer) {
      errand_.run = [result, answer = std::move(answer)] { answer(result); };
      EXPECT_TRUE(door_->Post(errand_));
    };
    StartServer();
  }
  grpc::Status Reload(v1::ReloadConfigResponse* response = nullptr, int deadline_ms = 10'000) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(deadline_ms));
    v1::ReloadConfigResponse ignored;
    return admin_->ReloadConfig(&context, {}, response == nullptr ? &ignored : response);
  }

  Errand errand_;
};

TEST_F(ReloadCallTest, TellsWhatWasAppliedAndWhatWaits) {
  ReloadResult result;
  result.applied = {{"results.max_age_s", "5", "6"}};
  result.needs_restart = {{"executor.stacks", "7", "8"}, {"rpc.listen", "[]", "[]"}};
  AnswerWith(result);
  for (int round = 0; round < 3; ++round) {
    v1::ReloadConfigResponse response;
    ASSERT_TRUE(Reload(&response).ok());
    ASSERT_EQ(response.applied_size(), 1);
    EXPECT_EQ(response.applied(0).key(), "results.max_age_s");
    EXPECT_EQ(response.applied(0).old_value(), "5");
    EXPECT_EQ(response.applied(0).new_value(), "6");
    EXPECT_EQ(response.needs_restart_size(), 2);
  }
}

TEST_F(ReloadCallTest, TellsEveryMistake) {
  ReloadResult result;
  result.status = absl::InvalidArgumentError("f:1:1: a is wrong\nf:2:1: b is wrong");
  AnswerWith(result);
  const grpc::Status status = Reload();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "f:1:1: a is wrong\nf:2:1: b is wrong");
}

TEST_F(ReloadCallTest, TellsThatThereIsNoFile) {
  ReloadResult result;
  result.status = absl::FailedPreconditionError("no file");
  AnswerWith(result);
  EXPECT_EQ(Reload().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ReloadCallTest, ReachesTheClientHoweverManyMistakesThereAre) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) absl::StrAppend(&text, "weftd.toml:", i, ":1: is \"wrong\"\n");
  ReloadResult result;
  result.status = absl::InvalidArgumentError(text);
  AnswerWith(result);
  const grpc::Status status = Reload();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("weftd.toml:0:1"), std::string::npos);
  EXPECT_NE(status.error_message().find(" more; the log"), std::string::npos);
}

TEST_F(ReloadCallTest, OutlivesAClientThatIsGone) {
  std::promise<AdminInfo::ReloadAnswer> asked;
  request_reload_ = [&asked](AdminInfo::ReloadAnswer answer) {
    asked.set_value(std::move(answer));
  };
  StartServer();
  EXPECT_EQ(Reload(nullptr, 50).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  const AdminInfo::ReloadAnswer answer = asked.get_future().get();
  std::promise<void> answered;
  errand_.run = [&] {
    answer({});
    answered.set_value();
  };
  EXPECT_TRUE(door_->Post(errand_));
  answered.get_future().wait();
  request_reload_ = nullptr;
}

TEST_F(ReloadCallTest, LetsTheServerEndWithoutItsAnswer) {
  std::promise<void> asked;
  request_reload_ = [&asked](const AdminInfo::ReloadAnswer&) { asked.set_value(); };
  StartServer();
  std::thread caller([this] { EXPECT_FALSE(Reload().ok()); });
  asked.get_future().wait();
  StopServer();
  caller.join();
}

TEST(FirstMistakes, KeepsWholeLines) {
  EXPECT_EQ(FirstMistakes("one\ntwo"), "one\ntwo");
  const std::string long_line(ReloadConfigCall::kMistakesBytesMax + 1, 'x');
  EXPECT_EQ(FirstMistakes("one\n" + long_line + "\ntwo").substr(0, 10), "one\n2 more");
}

}  // namespace
}  // namespace weft
