// Whatever a task waits for on a network, a pipe or a process: a cancel and a deadline end it, its
// own code unwinds, and nothing is left open; and under cancels and deadlines at random moments no
// task and no byte gets lost. The seed is printed and taken back from WEFT_TEST_SEED.
#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <utility>

#include "executor/task_net.h"
#include "executor/task_pipe.h"
#include "executor/task_process.h"
#include "executor/task_udp.h"
#include "net_fixture.h"

namespace weft {
namespace {

using sys::NetAddress;

constexpr int64_t kShortNs = 20'000'000;

#if defined(__SANITIZE_THREAD__)  // Where all is done 20 times over.
constexpr int kRounds = 10;
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kRounds = 40;
#else
constexpr int kRounds = 100;
#endif

// What a task may wait for without end; each gives what the wait answered.
struct NamedWait {
  const char* name;
  int64_t (*wait)(TaskContext& context);
};

NetAddress AnyPort() { return *NetAddress::Parse("127.0.0.1:0"); }

int64_t InAccept(TaskContext& context) {
  TcpListener listener;
  EXPECT_EQ(TcpListener::Listen(AnyPort(), &listener), 0);
  TcpStream stream;
  return listener.Accept(context, &stream);
}

int64_t InConnect(TaskContext& context) {
  const sys::FullListener full;
  TcpStream stream;
  return TcpStream::Connect(context, full.address, &stream);
}

int64_t InRead(TaskContext& context) {
  sys::TcpPair pair;
  TcpStream stream(std::move(pair.near));
  char buffer[8];
  return stream.ReadExactly(context, buffer);
}

int64_t InWrite(TaskContext& context) {
  sys::TcpPair pair;
  TcpStream stream(std::move(pair.near));
  const std::string much(64 << 20, 'x');
  return stream.Write(context, much);
}

int64_t InEvents(TaskContext& context) {
  sys::TcpPair pair;
  TcpStream stream(std::move(pair.near));
  return stream.AwaitEvents(context, POLLIN);
}

int64_t InReceive(TaskContext& context) {
  UdpSocket socket;
  EXPECT_EQ(UdpSocket::Bind(AnyPort(), &socket), 0);
  char buffer[8];
  return socket.Receive(context, buffer).bytes;
}

int64_t InPipeRead(TaskContext& context) {
  PipeEnds ends;
  EXPECT_EQ(ends.Open(), 0);
  char buffer[8];
  return ends.reader.Read(context, buffer);
}

int64_t InPipeWrite(TaskContext& context) {
  PipeEnds ends;
  EXPECT_EQ(ends.Open(), 0);
  const std::string much(1 << 20, 'x');
  return ends.writer.Write(context, much);
}

// A child that ends only when it is killed: it reads what nobody writes.
int64_t InProcess(TaskContext& context) {
  PipeEnds ends;
  EXPECT_EQ(ends.Open(PipeEnds::UsedBy::kProcessReads), 0);
  ChildProcess child(context);
  const int error = child.Spawn({.arguments = {"/bin/cat"}, .input_fd = ends.reader.fd()});
  if (error != 0) return error;
  ProcessEnd end;
  return child.Wait(&end);
}

constexpr NamedWait kWaits[] = {
    {"Accept", &InAccept},     {"Connect", &InConnect},     {"Read", &InRead},
    {"Write", &InWrite},       {"Events", &InEvents},       {"Receive", &InReceive},
    {"PipeRead", &InPipeRead}, {"PipeWrite", &InPipeWrite}, {"Process", &InProcess}};

class NetStopTest : public NetTest {
 protected:
  Body Waiting(const NamedWait& each) {
    return [this, &each](TaskContext& context) {
      result_ = each.wait(context);
      return context.Stop();
    };
  }
  // Until it waits for what it is to wait for, not for something before.
  void AwaitIt(const NamedWait& each, uint32_t slot) {
    AwaitSuspended(slot);
    if (each.wait != &InProcess) return;
    const sys::IoKind kind = sys::IoKind::kSpawn;
    while (spawned_ == core_->stats().io.operations[static_cast<size_t>(kind)].value()) {
      std::this_thread::yield();
    }
    ++spawned_;
    while (core_->stats().io.awaited.value() == 0) std::this_thread::yield();
  }

  int64_t result_ = 0;
  uint64_t spawned_ = 0;
};

TEST_P(NetStopTest, ACancelEndsEveryWait) {
  for (const NamedWait& each : kWaits) {
    SCOPED_TRACE(each.name);
    const uint32_t slot = Submit(Waiting(each));
    AwaitIt(each, slot);
    Cancel(slot);
    EXPECT_EQ(Wait(slot).state, TaskState::kCancelled);
    EXPECT_EQ(result_, -ECANCELED);
    EXPECT_EQ(OpenDescriptors(), open_before_);
  }
}

TEST_P(NetStopTest, ADeadlineEndsEveryWait) {
  for (const NamedWait& each : kWaits) {
    SCOPED_TRACE(each.name);
    const uint32_t slot = Submit(Waiting(each), kShortNs);
    EXPECT_EQ(Wait(slot).state, TaskState::kExpired);
    EXPECT_EQ(OpenDescriptors(), open_before_);
  }
}

// Asked to stop before it begins to wait, a task does not.
TEST_P(NetStopTest, NoWaitBeginsForATaskThatIsToStop) {
  for (const NamedWait& each : kWaits) {
    SCOPED_TRACE(each.name);
    const uint32_t slot = Submit([this, &each](TaskContext& context) {
      while (context.SleepFor(3'600'000'000'000) == WakeReason::kElapsed) {
      }
      result_ = each.wait(context);
      return context.Stop();
    });
    AwaitSuspended(slot);
    Cancel(slot);
    EXPECT_EQ(Wait(slot).state, TaskState::kCancelled);
    EXPECT_EQ(result_, -ECANCELED);
  }
}

TEST_P(NetStopTest, LosesNothingUnderRandomCancelsAndDeadlines) {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "WEFT_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  TcpListener listener;
  ASSERT_EQ(TcpListener::Listen(AnyPort(), &listener, {.backlog = 1024}), 0);
  const NetAddress address = *listener.LocalAddress();
  const TaskEntry* const server = EntryOf([&](TaskContext& context) {
    TcpStream stream;
    if (listener.Accept(context, &stream) != 0) return context.Stop();
    std::array<char, 64> buffer;
    for (;;) {
      const int64_t got = stream.Read(context, buffer);
      if (got == -ECANCELED) return context.Stop();
      if (got <= 0) return TaskOutcome::kSucceeded;
      if (stream.Write(context, {buffer.data(), static_cast<size_t>(got)}) == -ECANCELED) {
        return context.Stop();
      }
    }
  });
  const TaskEntry* const client = EntryOf([&](TaskContext& context) {
    TcpStream stream;
    const int error = TcpStream::Connect(context, address, &stream, {.limit_ns = kShortNs});
    if (error == -ECANCELED) return context.Stop();
    if (error != 0) return context.Fail("not connected");
    for (int i = 0; i < 3; ++i) {
      char buffer[4];
      if (stream.Write(context, "ping", kShortNs) != 4) break;
      const int64_t got = stream.ReadExactly(context, buffer, kShortNs);
      if (got == 4) {
        EXPECT_EQ(std::string(buffer, 4), "ping");
      }
    }
    return context.ShouldStop() ? context.Stop() : TaskOutcome::kSucceeded;
  });
  for (int round = 0; round < kRounds; ++round) {
    std::vector<uint32_t> slots;
    for (int i = 0; i < 12; ++i) {
      const int64_t timeout_ns =
          random() % 4 == 0 ? static_cast<int64_t>(random() % 300'000) + 1 : 0;
      slots.push_back(Submit(i % 2 == 0 ? server : client, timeout_ns));
    }
    for (const uint32_t slot : slots) {
      if (random() % 3 == 0) Cancel(slot);
    }
    // Clients end by themselves; servers without a client wait for one.
    for (size_t i = 1; i < slots.size(); i += 2) EXPECT_TRUE(IsTerminal(Wait(slots[i]).state));
    for (size_t i = 0; i < slots.size(); i += 2) {
      Cancel(slots[i]);
      EXPECT_TRUE(IsTerminal(Wait(slots[i]).state));
    }
  }
  listener.Close();
  core_->Stop();  // The gauges are as of a turn's end.
  EXPECT_EQ(core_->stats().io.awaited.value(), 0);
  EXPECT_EQ(core_->stats().live.value(), 0);
}

TEST_P(NetStopTest, ACoreStopsWithWaitsUnderWay) {
  sys::TcpPair pair;
  // Not the tasks': suspended ones are not unwound.
  TcpStream stream(std::move(pair.near));
  std::array<uint32_t, 8> slots{};
  for (uint32_t& slot : slots) {
    slot = Submit([&](TaskContext& context) {
      char buffer[8];
      stream.Read(context, buffer);
      return context.Stop();
    });
  }
  for (const uint32_t slot : slots) AwaitSuspended(slot);
  core_.reset();
  EXPECT_EQ(send(pair.far.get(), "x", 1, 0), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, NetStopTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), NameOfBackend);

}  // namespace
}  // namespace weft
