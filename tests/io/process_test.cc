// Pipes and child processes on a real core with each real ring: what comes through, how an end is
// seen, how a child ended, and that none outlives its task.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "executor/task_pipe.h"
#include "executor/task_process.h"
#include "net_fixture.h"

namespace weft {
namespace {

class ProcessTest : public NetTest {
 protected:
  static SpawnOptions Shell(const std::string& script) {
    return {.arguments = {"/bin/sh", "-c", script}};
  }
  static std::string ReadToEnd(TaskContext& context, PipeReader& reader) {
    std::string all;
    std::array<char, 100> buffer;
    for (;;) {
      const int64_t got = reader.Read(context, buffer);
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<size_t>(got));
    }
  }
};

TEST_P(ProcessTest, APipeJoinsTwoTasks) {
  PipeEnds ends;
  ASSERT_EQ(ends.Open(), 0);
  const std::string sent(300'000, 'x');  // More than a pipe holds.
  const uint32_t writer = Submit([&](TaskContext& context) {
    EXPECT_EQ(ends.writer.Write(context, sent), 300'000);
    ends.writer.Close();
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(writer);
  ExpectSucceeds([&](TaskContext& context) {
    char first[3];
    EXPECT_EQ(ends.reader.ReadExactly(context, first), 3);
    EXPECT_EQ(ReadToEnd(context, ends.reader).size(), sent.size() - 3);
    EXPECT_EQ(ends.reader.ReadExactly(context, first), 0) << "nobody writes any more";
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(Wait(writer).state, TaskState::kSucceeded);
  ends.reader.Close();
}

TEST_P(ProcessTest, APipeThatNobodyReadsIsAnErrorAndNoSignal) {
  PipeEnds ends;
  ASSERT_EQ(ends.Open(), 0);
  const std::string much(300'000, 'x');
  const uint32_t writer = Submit([&](TaskContext& context) {
    EXPECT_EQ(ends.writer.Write(context, much), -EPIPE) << "while it waits";
    EXPECT_EQ(ends.writer.Write(context, "x"), -EPIPE) << "from the start";
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(writer);
  ends.reader.Close();
  EXPECT_EQ(Wait(writer).state, TaskState::kSucceeded);
  ends.writer.Close();
  ExpectSucceeds([&](TaskContext& context) {
    char byte;
    EXPECT_EQ(ends.reader.Read(context, {&byte, 1}), -EBADF) << "it is closed";
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(ProcessTest, APipeEndsAtItsLimits) {
  PipeEnds ends;
  ASSERT_EQ(ends.Open(), 0);
  ExpectSucceeds([&](TaskContext& context) {
    char byte;
    EXPECT_EQ(ends.reader.Read(context, {&byte, 1}, 1'000'000), -ETIME);
    EXPECT_EQ(ends.writer.Write(context, std::string(300'000, 'x'), 1'000'000), -ETIME);
    return TaskOutcome::kSucceeded;
  });
  ends = {};
}

TEST_P(ProcessTest, TellsHowAChildEnded) {
  ExpectSucceeds([&](TaskContext& context) {
    for (const int code : {0, 1, 7, 255}) {
      ChildProcess child(context);
      EXPECT_EQ(child.Spawn(Shell("exit " + std::to_string(code))), 0);
      EXPECT_TRUE(child.is_running());
      ProcessEnd end;
      EXPECT_EQ(child.Wait(&end), 0);
      EXPECT_EQ(end.exit_code, code);
      EXPECT_EQ(end.signal, 0);
      EXPECT_FALSE(child.is_running());
      EXPECT_EQ(child.Wait(&end), -ESRCH) << "once";
      EXPECT_EQ(child.Kill(SIGTERM), -ESRCH);
      EXPECT_EQ(kill(child.pid(), 0), -1) << "no zombie";
    }
    ChildProcess child(context);
    EXPECT_EQ(child.Spawn(Shell("kill -TERM $$")), 0);
    ProcessEnd end;
    EXPECT_EQ(child.Wait(&end), 0);
    EXPECT_EQ(end.signal, SIGTERM);
    EXPECT_EQ(end.exit_code, 0);
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(ProcessTest, TellsWhyAChildCannotBegin) {
  ExpectSucceeds([](TaskContext& context) {
    ChildProcess child(context);
    EXPECT_EQ(child.Spawn({.arguments = {"/nowhere/at/all"}}), -ENOENT);
    EXPECT_EQ(child.Spawn({.arguments = {"/etc/passwd"}}), -EACCES);
    EXPECT_EQ(child.Spawn({}), -EINVAL);
    EXPECT_FALSE(child.is_running());
    EXPECT_EQ(child.Spawn(Shell("exit 0")), 0) << "it may be tried again";
    EXPECT_EQ(child.Spawn(Shell("exit 0")), -EINVAL) << "but has one child";
    ProcessEnd end;
    EXPECT_EQ(child.Wait(&end), 0);
    return TaskOutcome::kSucceeded;
  });
}

// Descriptors beyond the standard streams that a child inherits from whoever started this test.
int InheritedDescriptors() {
  int count = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
  }
  return count;
}

// Its standard streams are what it was given, nothing of ours is open in it, and no signal that
// somebody could send is blocked or ignored.
TEST_P(ProcessTest, GivesAChildItsStreamsAndNothingElse) {
  ExpectSucceeds([&](TaskContext& context) {
    const sys::TcpPair open_here;
    PipeEnds to;
    PipeEnds from;
    EXPECT_EQ(to.Open(PipeEnds::UsedBy::kProcessReads), 0);
    EXPECT_EQ(from.Open(PipeEnds::UsedBy::kProcessWrites), 0);
    ChildProcess child(context);
    SpawnOptions options = Shell(
        "read line; echo \"$line $NAME\"; ls /proc/self/fd | wc -l; grep Sig[BI] "
        "/proc/self/status");
    options.environment = {"NAME=value", "PATH=/usr/bin:/bin"};
    options.input_fd = to.reader.fd();
    options.output_fd = from.writer.fd();
    EXPECT_EQ(child.Spawn(options), 0);
    to.reader.Close();
    from.writer.Close();
    EXPECT_EQ(to.writer.Write(context, "input\n"), 6);
    const std::string output = ReadToEnd(context, from.reader);
    ProcessEnd end;
    EXPECT_EQ(child.Wait(&end), 0);
    EXPECT_EQ(end.exit_code, 0);
    // ls has its three streams and the folder. The C library keeps signals 32 and 33 to itself.
    EXPECT_THAT(output,
                testing::MatchesRegex("input value\n" + std::to_string(4 + InheritedDescriptors()) +
                                      "\nSigBlk:\t0000000000000000\n"
                                      "SigIgn:\t0000000[01]?[08]0000000\n"));
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(ProcessTest, AWaitEndsAtItsLimitAndTheChildGoesOn) {
  ExpectSucceeds([&](TaskContext& context) {
    PipeEnds ends;
    EXPECT_EQ(ends.Open(PipeEnds::UsedBy::kProcessReads), 0);
    ChildProcess child(context);
    EXPECT_EQ(child.Spawn({.arguments = {"/bin/cat"}, .input_fd = ends.reader.fd()}), 0);
    ends.reader.Close();
    ProcessEnd end;
    EXPECT_EQ(child.Wait(&end, 1'000'000), -ETIME);
    EXPECT_TRUE(child.is_running());
    ends.writer.Close();
    EXPECT_EQ(child.Wait(&end), 0);
    EXPECT_EQ(end.exit_code, 0) << "at the end of its input";
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(ProcessTest, AChildThatIsLeftIsKilledAndIsNoZombie) {
  pid_t pid = 0;
  ExpectSucceeds([&](TaskContext& context) {
    PipeEnds ends;
    EXPECT_EQ(ends.Open(PipeEnds::UsedBy::kProcessReads), 0);
    ChildProcess child(context);
    EXPECT_EQ(child.Spawn({.arguments = {"/bin/cat"}, .input_fd = ends.reader.fd()}), 0);
    pid = child.pid();
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_P(ProcessTest, WaitsForAnyProcess) {
  ExpectSucceeds([&](TaskContext& context) {
    PipeEnds from;
    EXPECT_EQ(from.Open(PipeEnds::UsedBy::kProcessWrites), 0);
    ChildProcess parent(context);
    // A grandchild, whose parent ends at once.
    SpawnOptions options = Shell("sleep 1000 >/dev/null 2>&1 & echo $!");
    options.environment = {"PATH=/usr/bin:/bin"};
    options.output_fd = from.writer.fd();
    EXPECT_EQ(parent.Spawn(options), 0);
    from.writer.Close();
    const pid_t grandchild = std::atoi(ReadToEnd(context, from.reader).c_str());
    ProcessEnd end;
    EXPECT_EQ(parent.Wait(&end), 0);
    EXPECT_GT(grandchild, 0);
    EXPECT_EQ(WaitForProcess(context, grandchild, &end, 1'000'000), -ETIME) << "it still runs";
    EXPECT_EQ(kill(grandchild, SIGKILL), 0);
    EXPECT_EQ(WaitForProcess(context, grandchild, &end), -ECHILD) << "its end is not told to us";
    EXPECT_EQ(WaitForProcess(context, parent.pid(), &end), -ESRCH);
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(ProcessTest, WaitsForAChildByItsNumber) {
  const pid_t pid = fork();
  if (pid == 0) _exit(9);
  ASSERT_GT(pid, 0);
  ExpectSucceeds([&](TaskContext& context) {
    ProcessEnd end;
    EXPECT_EQ(WaitForProcess(context, pid, &end), 0);
    EXPECT_EQ(end.exit_code, 9);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), -1) << "it was taken";
}

INSTANTIATE_TEST_SUITE_P(Backends, ProcessTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), NameOfBackend);

}  // namespace
}  // namespace weft
