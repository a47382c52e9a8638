// Streams on a real core with each real ring: what a peer that is not there, is slow, ends, resets
// or sends in bits does to a task, what halves are, and a thousand echoes on one core. The peer is
// the test's thread, or another task.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "executor/task_net.h"
#include "net_fixture.h"

namespace weft {
namespace {

using sys::AddressOf;
using sys::ClosedPort;
using sys::Fd;
using sys::FullListener;
using sys::ListenOnLoopback;
using sys::NetAddress;
using sys::TcpPair;

constexpr int64_t kShortNs = 20'000'000;

class TcpTest : public NetTest {
 protected:
  // The near end as a task's stream; the far end stays the test's.
  static TcpStream StreamOf(TcpPair* pair) { return TcpStream(std::move(pair->near)); }
  static std::string ReadToEnd(const Fd& fd) {
    std::string all;
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t got = recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<size_t>(got));
    }
  }
  static int OptionOf(int fd, int level, int name) {
    int value = -1;
    socklen_t bytes = sizeof(value);
    EXPECT_EQ(getsockopt(fd, level, name, &value, &bytes), 0);
    return value;
  }
};

TEST_P(TcpTest, ConnectsAndTellsBothAddresses) {
  const Fd listener = ListenOnLoopback();
  const NetAddress address = AddressOf(listener);
  ExpectSucceeds([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(TcpStream::Connect(context, address, &stream), 0);
    EXPECT_EQ(stream.PeerAddress()->Text(), address.Text());
    EXPECT_TRUE(stream.LocalAddress()->Text().starts_with("127.0.0.1:"));
    TcpStream bound;
    const ConnectOptions from = {.from = NetAddress::Parse("127.0.0.2:0")};
    EXPECT_EQ(TcpStream::Connect(context, address, &bound, from), 0);
    EXPECT_TRUE(bound.LocalAddress()->Text().starts_with("127.0.0.2:"));
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(TcpTest, TellsThatNobodyListens) {
  const ClosedPort nobody;
  ExpectSucceeds([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(TcpStream::Connect(context, nobody.address, &stream), -ECONNREFUSED);
    EXPECT_FALSE(stream.valid());
    const NetAddress missing = *NetAddress::Parse("unix:/nowhere/at/all");
    EXPECT_EQ(TcpStream::Connect(context, missing, &stream), -ENOENT);
    return TaskOutcome::kSucceeded;
  });
}

// After the limit the task goes on, and may ask again.
TEST_P(TcpTest, AConnectEndsAtItsLimit) {
  const FullListener full;
  const Fd listener = ListenOnLoopback();
  const NetAddress good = AddressOf(listener);
  ExpectSucceeds([&](TaskContext& context) {
    TcpStream stream;
    const int64_t began = context.NowNs();
    EXPECT_EQ(TcpStream::Connect(context, full.address, &stream, {.limit_ns = kShortNs}), -ETIME);
    EXPECT_GE(context.NowNs() - began, kShortNs);
    EXPECT_FALSE(stream.valid());
    EXPECT_EQ(TcpStream::Connect(context, good, &stream, {.limit_ns = 60'000'000'000}), 0);
    return TaskOutcome::kSucceeded;
  });
}

TEST_P(TcpTest, ReadsWritesAndAcceptsEndAtTheirLimits) {
  sys::LocalPair pair;
  sys::FillWith(pair.near, 'x');
  TcpStream stream(std::move(pair.near));
  ExpectSucceeds([&](TaskContext& context) {
    char buffer[8];
    EXPECT_EQ(stream.Read(context, buffer, kShortNs), -ETIME);
    EXPECT_EQ(stream.ReadExactly(context, buffer, kShortNs), -ETIME);
    EXPECT_EQ(stream.Write(context, "more", kShortNs), -ETIME);
    EXPECT_EQ(stream.AwaitEvents(context, POLLIN, kShortNs), -ETIME);
    TcpListener listener;
    EXPECT_EQ(TcpListener::Listen(*NetAddress::Parse("127.0.0.1:0"), &listener), 0);
    EXPECT_EQ(listener.Accept(context, &stream, kShortNs), -ETIME);
    EXPECT_TRUE(stream.valid()) << "it is as it was";
    return TaskOutcome::kSucceeded;
  });
  stream.Close();
}

TEST_P(TcpTest, SeesThePeersEnd) {
  TcpPair pair;
  TcpStream stream = StreamOf(&pair);
  EXPECT_EQ(send(pair.far.get(), "abc", 3, 0), 3);
  const uint32_t slot = Submit([&](TaskContext& context) {
    char buffer[8];
    EXPECT_EQ(stream.ReadExactly(context, buffer), 3) << "as far as it goes";
    EXPECT_EQ(stream.Read(context, buffer), 0);
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(slot);
  pair.far.Reset();
  EXPECT_EQ(Wait(slot).state, TaskState::kSucceeded);
  stream.Close();
}

TEST_P(TcpTest, HalfClosesAndGoesOnReading) {
  TcpPair pair;
  TcpStream stream = StreamOf(&pair);
  const uint32_t slot = Submit([&](TaskContext& context) {
    EXPECT_EQ(stream.Write(context, "question"), 8);
    EXPECT_EQ(stream.CloseWrite(), 0);
    EXPECT_EQ(stream.Write(context, "more"), -EPIPE);
    char buffer[100];
    const int64_t got = stream.ReadExactly(context, buffer);
    context.output().assign(buffer, static_cast<size_t>(got));
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(ReadToEnd(pair.far), "question");
  EXPECT_EQ(send(pair.far.get(), "answer", 6, 0), 6);
  pair.far.Reset();
  EXPECT_EQ(Wait(slot).output, "answer");
  stream.Close();
}

TEST_P(TcpTest, SeesAResetInEitherDirection) {
  TcpPair reading;
  TcpPair writing;
  const std::string much(64 << 20, 'x');  // More than all buffers on the way hold.
  TcpStream reads = StreamOf(&reading);
  TcpStream writes = StreamOf(&writing);
  const uint32_t reader = Submit([&](TaskContext& context) {
    char buffer[8];
    EXPECT_EQ(reads.Read(context, buffer), -ECONNRESET);
    EXPECT_EQ(reads.Write(context, "more"), -EPIPE) << "and no SIGPIPE";
    return TaskOutcome::kSucceeded;
  });
  const uint32_t writer = Submit([&](TaskContext& context) {
    const int64_t result = writes.Write(context, much);
    EXPECT_TRUE(result == -ECONNRESET || result == -EPIPE) << result;
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(reader);
  AwaitSuspended(writer);
  for (TcpPair* pair : {&reading, &writing}) {
    sys::ResetOnClose(pair->far);
    pair->far.Reset();
  }
  EXPECT_EQ(Wait(reader).state, TaskState::kSucceeded);
  EXPECT_EQ(Wait(writer).state, TaskState::kSucceeded);
  reads.Close();
  writes.Close();
}

TEST_P(TcpTest, ResetsOnCloseWhenToldTo) {
  TcpPair pair;
  TcpStream stream = StreamOf(&pair);
  EXPECT_EQ(stream.Apply({.reset_on_close = true}), 0);
  stream.Close();
  char buffer[8];
  EXPECT_EQ(recv(pair.far.get(), buffer, sizeof(buffer), 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

// Everything goes through, in order, however small the buffers are.
TEST_P(TcpTest, WritesInPiecesThroughTinyBuffers) {
  constexpr size_t kBytes = 1'000'000;
  std::string sent(kBytes, '\0');
  for (size_t i = 0; i < kBytes; ++i) sent[i] = static_cast<char>(i * 31 >> 3);
  std::string received(kBytes + 1, '\0');
  TcpListener listener;
  const SocketOptions tiny = {
      .receive_buffer_bytes = 1, .send_buffer_bytes = 1, .reuse_address = true};
  ASSERT_EQ(TcpListener::Listen(*NetAddress::Parse("127.0.0.1:0"), &listener, {.socket = tiny}), 0);
  const NetAddress address = *listener.LocalAddress();
  const uint32_t server = Submit([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(listener.Accept(context, &stream), 0);
    EXPECT_EQ(stream.ReadExactly(context, received), static_cast<int64_t>(kBytes));
    return TaskOutcome::kSucceeded;
  });
  const uint32_t client = Submit([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(TcpStream::Connect(context, address, &stream, {.socket = tiny}), 0);
    EXPECT_LT(ReadSocketBuffers(stream.fd()).send_bytes, 10'000);
    EXPECT_EQ(stream.Write(context, sent), static_cast<int64_t>(kBytes));
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(Wait(client).state, TaskState::kSucceeded);
  EXPECT_EQ(Wait(server).state, TaskState::kSucceeded);
  received.resize(kBytes);
  EXPECT_TRUE(received == sent);
  EXPECT_GT(core_->stats().io.operations[static_cast<size_t>(sys::IoKind::kSend)].value(), 10u)
      << "in many pieces";
  listener.Close();
}

TEST_P(TcpTest, HasEveryOptionSet) {
  TcpPair pair;
  TcpStream stream = StreamOf(&pair);
  const SocketOptions options = {.no_delay = true,
                                 .keep_alive = true,
                                 .keep_alive_idle_s = 11,
                                 .keep_alive_interval_s = 12,
                                 .keep_alive_probes = 13,
                                 .receive_buffer_bytes = 20'000,
                                 .send_buffer_bytes = 30'000,
                                 .reuse_address = true,
                                 .reuse_port = true,
                                 .hop_limit = 42};
  EXPECT_EQ(stream.Apply(options), 0);
  const int fd = stream.fd();
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_KEEPINTVL), 12);
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_KEEPCNT), 13);
  EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_REUSEPORT), 1);
  EXPECT_EQ(OptionOf(fd, IPPROTO_IP, IP_TTL), 42);
  const SocketBuffers buffers = ReadSocketBuffers(fd);
  EXPECT_EQ(buffers.receive_bytes, 40'000) << "the system doubles it";
  EXPECT_EQ(buffers.send_bytes, 60'000);
  EXPECT_EQ(stream.Apply({.no_delay = false}), 0);
  EXPECT_EQ(OptionOf(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(OptionOf(fd, SOL_SOCKET, SO_KEEPALIVE), 1) << "what is not set stays";
  EXPECT_EQ(stream.Apply({.hop_limit = 1000}), -EINVAL);
  stream.Close();
  EXPECT_EQ(stream.Apply({.no_delay = true}), -EBADF);
  EXPECT_EQ(ReadSocketBuffers(-1).error, -EBADF);
  const Fd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(ApplySocketOptions(local.get(), {.no_delay = true}), -EOPNOTSUPP);
  const Fd ip6(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!ip6.valid()) return;  // A kernel without IPv6.
  EXPECT_EQ(ApplySocketOptions(ip6.get(), {.hop_limit = 43}), 0);
  EXPECT_EQ(OptionOf(ip6.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS), 43);
}

TEST_P(TcpTest, TellsWhyItCannotListen) {
  TcpListener first;
  ASSERT_EQ(TcpListener::Listen(*NetAddress::Parse("127.0.0.1:0"), &first), 0);
  TcpListener second;
  EXPECT_EQ(TcpListener::Listen(*first.LocalAddress(), &second), -EADDRINUSE);
  EXPECT_EQ(TcpListener::Listen(*NetAddress::Parse("192.0.2.1:0"), &second), -EADDRNOTAVAIL);
  EXPECT_FALSE(second.valid());
  first.Close();
}

TEST_P(TcpTest, ListensOnAUnixSocketAndWaitsForAFullOne) {
  std::string name = (std::filesystem::temp_directory_path() / "weft-net-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const NetAddress address = *NetAddress::Parse("unix:" + name + "/socket");
  TcpListener listener;
  ASSERT_EQ(TcpListener::Listen(address, &listener, {.backlog = 1, .socket = {}}), 0);
  std::vector<TcpStream> queued(3);
  ExpectSucceeds([&](TaskContext& context) {
    int error = 0;
    size_t count = 0;
    for (; count < queued.size() && error == 0; ++count) {
      error = TcpStream::Connect(context, address, &queued[count], {.limit_ns = kShortNs});
    }
    EXPECT_EQ(error, -ETIME) << "nobody accepts";
    EXPECT_EQ(count, 3u);
    return TaskOutcome::kSucceeded;
  });
  const uint32_t client = Submit([&](TaskContext& context) {
    EXPECT_EQ(TcpStream::Connect(context, address, &queued[2]), 0);
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(client);
  ExpectSucceeds([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(listener.Accept(context, &stream), 0);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(Wait(client).state, TaskState::kSucceeded);
  queued.clear();
  listener.Close();
  std::filesystem::remove_all(name);
}

TEST_P(TcpTest, AnAcceptThatFindsNoDescriptorLeftMayBeTriedAgain) {
  TcpListener listener;
  ASSERT_EQ(TcpListener::Listen(*NetAddress::Parse("127.0.0.1:0"), &listener), 0);
  const NetAddress address = *listener.LocalAddress();
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), address.get(), address.bytes()), 0);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {3, before.rlim_max};
  ExpectSucceeds([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(listener.Accept(context, &stream), -EMFILE);
    EXPECT_EQ(TcpStream::Connect(context, address, &stream), -EMFILE);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(listener.Accept(context, &stream), 0) << "the connection has waited";
    return TaskOutcome::kSucceeded;
  });
  listener.Close();
}

// ---- Halves ------------------------------------------------------------------------------------

TEST_P(TcpTest, HalvesAreUsedByTwoTasksAtOnce) {
  TcpPair pair;
  TcpHalves halves = TcpStream::Split(StreamOf(&pair));
  const uint32_t reader = Submit([&](TaskContext& context) {
    char buffer[6];
    EXPECT_EQ(halves.read.ReadExactly(context, buffer), 6);
    context.output().assign(buffer, 6);
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(reader);
  ExpectSucceeds([&](TaskContext& context) {
    EXPECT_EQ(halves.write.Write(context, "question"), 8);
    return TaskOutcome::kSucceeded;
  });
  sys::ReadAway(pair.far, 8);
  EXPECT_EQ(send(pair.far.get(), "answer", 6, 0), 6);
  EXPECT_EQ(Wait(reader).output, "answer");
  halves = {};
}

TEST_P(TcpTest, AWritingHalfThatGoesEndsTheStreamForThePeerOnly) {
  TcpPair pair;
  TcpHalves halves = TcpStream::Split(StreamOf(&pair));
  ExpectSucceeds([&](TaskContext& context) {
    TcpWriteHalf mine = std::move(halves.write);
    EXPECT_EQ(mine.Write(context, "last"), 4);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(ReadToEnd(pair.far), "last");
  EXPECT_EQ(send(pair.far.get(), "x", 1, 0), 1);
  ExpectSucceeds([&](TaskContext& context) {
    char byte;
    EXPECT_EQ(halves.read.Read(context, {&byte, 1}), 1);
    return TaskOutcome::kSucceeded;
  });
  halves.read = {};
}

TEST_P(TcpTest, ReunitesTheHalvesOfOneStreamOnly) {
  TcpPair first;
  TcpPair second;
  const int fd = first.near.get();
  TcpHalves one = TcpStream::Split(StreamOf(&first));
  TcpHalves other = TcpStream::Split(StreamOf(&second));
  std::swap(one.write, other.write);
  TcpStream stream;
  EXPECT_FALSE(TcpStream::Reunite(&one, &stream));
  EXPECT_FALSE(TcpStream::Reunite(&other, &stream));
  EXPECT_FALSE(stream.valid());
  EXPECT_TRUE(one.read.valid() && one.write.valid() && other.read.valid() && other.write.valid());
  std::swap(one.write, other.write);
  EXPECT_TRUE(TcpStream::Reunite(&one, &stream));
  EXPECT_EQ(stream.fd(), fd);
  EXPECT_FALSE(one.read.valid() || one.write.valid());
  EXPECT_FALSE(TcpStream::Reunite(&one, &stream)) << "once";
  // Nothing was half-closed by that.
  ExpectSucceeds([&](TaskContext& context) {
    EXPECT_EQ(stream.Write(context, "x"), 1);
    return TaskOutcome::kSucceeded;
  });
  sys::ReadAway(first.far, 1);
  stream.Close();
}

// ---- Many --------------------------------------------------------------------------------------

// A listener that spawns a task a connection, and a thousand clients, all on one core at once.
TEST_P(TcpTest, AThousandEchoesOnOneCore) {
  constexpr int kCount = 1'000;
  StartCore(2 * kCount + 16);
  TcpListener listener;
  ASSERT_EQ(TcpListener::Listen(*NetAddress::Parse("127.0.0.1:0"), &listener, {.backlog = 1024}),
            0);
  const NetAddress address = *listener.LocalAddress();
  std::vector<TcpStream> accepted(kCount);
  size_t next = 0;
  size_t echoed = 0;
  const TaskEntry* const echo = EntryOf([&](TaskContext& context) {
    TcpStream stream = std::move(accepted[next++]);
    std::array<char, 64> buffer;
    for (;;) {
      const int64_t got = stream.Read(context, buffer);
      if (got <= 0) break;
      EXPECT_EQ(stream.Write(context, {buffer.data(), static_cast<size_t>(got)}), got);
    }
    ++echoed;
    return TaskOutcome::kSucceeded;
  });
  const uint32_t server = Submit([&](TaskContext& context) {
    for (TcpStream& stream : accepted) {
      EXPECT_EQ(listener.Accept(context, &stream), 0);
      EXPECT_EQ(core_->Spawn(*echo, {}, Priority::kNormal), SpawnAnswer::kSpawned);
    }
    return TaskOutcome::kSucceeded;
  });
  int connected = 0;
  const TaskEntry* const client = EntryOf([&](TaskContext& context) {
    TcpStream stream;
    EXPECT_EQ(TcpStream::Connect(context, address, &stream), 0);
    ++connected;
    // All are connected at once.
    while (connected < kCount) {
      if (context.SleepFor(1'000'000) != WakeReason::kElapsed) return context.Stop();
    }
    const std::string text = "echo of " + std::to_string(stream.LocalAddress()->port());
    EXPECT_EQ(stream.Write(context, text), static_cast<int64_t>(text.size()));
    stream.CloseWrite();
    std::array<char, 64> buffer;
    const int64_t got = stream.ReadExactly(context, buffer);
    EXPECT_EQ(std::string_view(buffer.data(), static_cast<size_t>(got)), text);
    return TaskOutcome::kSucceeded;
  });
  std::vector<uint32_t> clients;
  for (int i = 0; i < kCount; ++i) clients.push_back(Submit(client));
  for (const uint32_t slot : clients) ASSERT_EQ(Wait(slot).state, TaskState::kSucceeded);
  EXPECT_EQ(Wait(server).state, TaskState::kSucceeded);
  while (core_->stats().live.value() > 0) std::this_thread::yield();
  ExpectSucceeds([&](TaskContext&) {
    EXPECT_EQ(echoed, static_cast<size_t>(kCount));
    return TaskOutcome::kSucceeded;
  });
  listener.Close();
}

INSTANTIATE_TEST_SUITE_P(Backends, TcpTest, testing::Values(IoChoice::kIoUring, IoChoice::kThreads),
                         NameOfBackend);

}  // namespace
}  // namespace weft
