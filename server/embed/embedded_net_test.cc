// Programs that embed an executor talk over the network from their tasks, with either backend: one
// task accepts and answers, another connects and asks.
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "embed/core_group.h"
#include "embed/turned_executor.h"
#include "executor/task_net.h"

namespace weft {
namespace {

class EmbeddedNetTest : public testing::TestWithParam<IoChoice> {
 protected:
  ExecutorOptions Options() const {
    ExecutorOptions options;
    options.io.backend = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, EmbeddedNetTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads),
                         [](const auto& choice) {
                           return choice.param == IoChoice::kIoUring ? "IoUring" : "Threads";
                         });

// Accepts one connection and answers what it is told until the end, twice each.
int64_t ServeOne(TaskContext& context, TcpListener& listener) {
  TcpStream stream;
  if (const int error = listener.Accept(context, &stream); error != 0) return error;
  char buffer[16];
  int64_t served = 0;
  for (int64_t got = 0; (got = stream.Read(context, buffer)) > 0; served += got) {
    const std::string_view bytes(buffer, static_cast<size_t>(got));
    for (int i = 0; i < 2; ++i) {
      if (const int64_t sent = stream.Write(context, bytes); sent < 0) return sent;
    }
  }
  return served;
}

std::string Ask(TaskContext& context, const sys::NetAddress& address) {
  TcpStream stream;
  if (const int error = TcpStream::Connect(context, address, &stream); error != 0) {
    return "connect: " + std::to_string(error);
  }
  if (stream.Write(context, "hello") != 5) return "write";
  stream.CloseWrite();
  char buffer[16];
  const int64_t got = stream.ReadExactly(context, buffer);
  return got < 0 ? "read: " + std::to_string(got) : std::string(buffer, static_cast<size_t>(got));
}

TEST_P(EmbeddedNetTest, TasksOfATurnedExecutorTalkOverTcp) {
  auto executor = TurnedExecutor::Make(Options());
  ASSERT_TRUE(executor.ok()) << executor.status();
  EXPECT_EQ((*executor)->io_backend(), GetParam() == IoChoice::kIoUring ? "io_uring" : "threads");
  TcpListener listener;
  ASSERT_EQ(TcpListener::Listen(*sys::NetAddress::Parse("127.0.0.1:0"), &listener), 0);
  auto served =
      Spawn((*executor)->host(), [&](TaskContext& context) { return ServeOne(context, listener); });
  ASSERT_TRUE(served.ok()) << served.status();
  const auto answer = (*executor)->BlockOn(
      [&](TaskContext& context) { return Ask(context, *listener.LocalAddress()); });
  EXPECT_EQ(answer.value_or("not run"), "hellohello");
  const auto count = (*executor)->BlockOn(
      [&](TaskContext& context) { return served->Join(context).value_or(-1); });
  EXPECT_EQ(count.value_or(-1), 5);
}

TEST_P(EmbeddedNetTest, TasksOfAGroupsCoreTalkOverTcpAndAreCutShort) {
  auto group = CoreGroup::Start({.executor = Options()});
  ASSERT_TRUE(group.ok()) << group.status();
  TaskHost& core = **(*group)->CoreAt(0);
  TcpListener listener;
  ASSERT_EQ(TcpListener::Listen(*sys::NetAddress::Parse("127.0.0.1:0"), &listener), 0);
  auto served = Spawn(core, [&](TaskContext& context) { return ServeOne(context, listener); });
  ASSERT_TRUE(served.ok()) << served.status();
  const auto answer =
      BlockOn(core, [&](TaskContext& context) { return Ask(context, *listener.LocalAddress()); });
  EXPECT_EQ(answer.value_or("not run"), "hellohello");
  EXPECT_EQ(served->BlockingJoin().value_or(-1), 5);
  // One that waits for a connection which never comes.
  auto waits = Spawn(core, [&](TaskContext& context) { return ServeOne(context, listener); });
  ASSERT_TRUE(waits.ok()) << waits.status();
  waits->Abort();
  (void)waits->BlockingJoin();
  EXPECT_EQ((*group)->held().live, 0U);
}

}  // namespace
}  // namespace weft
