// Both rings under one suite: what waits for a peer, a pipe or a process comes back once, with what
// the system said, also when it is cancelled at any moment, when many more wait than the ring has
// entries, when several wait for one descriptor, and when the ring ends meanwhile.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "sys/loopback_fixture.h"
#include "sys/name_resolver.h"
#include "sys/ring_fixture.h"
#include "sys/spawn.h"

namespace weft::sys {
namespace {

class RingNetTest : public RingFixture {
 protected:
  static IoOperation Receive(const Fd& fd, std::string* buffer) {
    return {.kind = IoKind::kReceive,
            .fd = fd.get(),
            .data = buffer->data(),
            .bytes = static_cast<uint32_t>(buffer->size())};
  }
  static IoOperation Send(const Fd& fd, std::string* bytes) {
    IoOperation operation = Receive(fd, bytes);
    operation.kind = IoKind::kSend;
    return operation;
  }
  static IoOperation Accept(const Fd& fd) { return {.kind = IoKind::kAccept, .fd = fd.get()}; }
  static IoOperation Poll(int fd, uint32_t events) {
    IoOperation operation{.kind = IoKind::kPoll, .fd = fd};
    operation.events = events;
    return operation;
  }
  static IoOperation Connect(const Fd& fd, const NetAddress& to) {
    IoOperation operation{.kind = IoKind::kConnect, .fd = fd.get(), .bytes = to.bytes()};
    operation.address = to.get();
    return operation;
  }
  static Fd NewSocket() {
    return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
  void StartNow(IoOperation* operation) {
    ring_->Start(operation);
    ring_->Submit();
  }
  void ExpectCancelled(IoOperation* operation) {
    operation->cancel_asked = true;
    ring_->Cancel(operation);
    ring_->Submit();
    EXPECT_EQ(Next(), operation);
    EXPECT_EQ(operation->result, -ECANCELED) << IoKindName(operation->kind);
    EXPECT_EQ(ring_->Take(), nullptr);
  }
};

TEST_P(RingNetTest, ConnectsAcceptsSendsAndReceives) {
  const Fd listener = ListenOnLoopback();
  fcntl(listener.get(), F_SETFL, O_NONBLOCK);
  IoOperation accept = Accept(listener);
  StartNow(&accept);
  EXPECT_EQ(ring_->Take(), nullptr) << "nobody has come";
  const Fd client = NewSocket();
  const NetAddress address = AddressOf(listener);
  IoOperation connect = Connect(client, address);
  StartNow(&connect);
  for (int i = 0; i < 2; ++i) Next();
  EXPECT_EQ(connect.result, 0);
  ASSERT_GE(accept.result, 0);
  const Fd server(static_cast<int>(accept.result));
  EXPECT_EQ(fcntl(server.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_NE(fcntl(server.get(), F_GETFL) & O_NONBLOCK, 0);
  std::string buffer(100, '?');
  IoOperation receive = Receive(server, &buffer);
  StartNow(&receive);
  EXPECT_EQ(ring_->Take(), nullptr) << "nothing was sent";
  std::string text = "twelve bytes";
  EXPECT_EQ(send(client.get(), text.data(), text.size(), 0), 12);
  EXPECT_EQ(Next(), &receive);
  EXPECT_EQ(receive.result, 12);
  EXPECT_EQ(buffer.substr(0, 13), "twelve bytes?");
  EXPECT_EQ(Run(Send(server, &text)), 12);
  EXPECT_EQ(recv(client.get(), buffer.data(), 100, 0), 12);
}

TEST_P(RingNetTest, TellsHowAConnectFailed) {
  const ClosedPort nobody;
  const Fd client = NewSocket();
  EXPECT_EQ(Run(Connect(client, nobody.address)), -ECONNREFUSED);
  const NetAddress missing = *NetAddress::Parse("unix:" + (folder_ / "missing").string());
  const Fd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  EXPECT_EQ(Run(Connect(local, missing)), -ENOENT);
}

TEST_P(RingNetTest, TellsTheEndTheResetAndTheClosedPipeWithoutASignal) {
  std::signal(SIGPIPE, SIG_DFL);
  std::string buffer(10, '?');
  TcpPair ended;
  ended.far.Reset();
  EXPECT_EQ(Run(Receive(ended.near, &buffer)), 0);
  TcpPair reset;
  IoOperation receive = Receive(reset.near, &buffer);
  StartNow(&receive);
  ResetOnClose(reset.far);
  reset.far.Reset();
  EXPECT_EQ(Next(), &receive);
  EXPECT_EQ(receive.result, -ECONNRESET);
  EXPECT_EQ(Run(Send(reset.near, &buffer)), -EPIPE);
}

TEST_P(RingNetTest, WaitsForBothDirectionsOfOneSocket) {
  LocalPair pair;
  const size_t queued = FillWith(pair.near, 'x');
  std::string text = "more";
  std::string buffer(10, '?');
  IoOperation send_more = Send(pair.near, &text);
  IoOperation receive = Receive(pair.near, &buffer);
  StartNow(&send_more);
  StartNow(&receive);
  EXPECT_EQ(ring_->Take(), nullptr);
  EXPECT_EQ(send(pair.far.get(), "y", 1, 0), 1);
  EXPECT_EQ(Next(), &receive);
  EXPECT_EQ(receive.result, 1);
  EXPECT_EQ(ring_->Take(), nullptr) << "the other direction still waits";
  ReadAway(pair.far, queued);
  EXPECT_EQ(Next(), &send_more);
  EXPECT_EQ(send_more.result, 4);
}

TEST_P(RingNetTest, EachOfSeveralThatWaitForOneListenerGetsAConnection) {
  const Fd listener = ListenOnLoopback();
  fcntl(listener.get(), F_SETFL, O_NONBLOCK);
  std::array<IoOperation, 3> accepts;
  for (IoOperation& accept : accepts) {
    accept = Accept(listener);
    StartNow(&accept);
  }
  const NetAddress address = AddressOf(listener);
  std::vector<Fd> clients;
  for (size_t i = 0; i < accepts.size(); ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(clients.back().get(), address.get(), address.bytes()), 0);
    IoOperation* const accept = Next();
    ASSERT_GE(accept->result, 0);
    clients.emplace_back(static_cast<int>(accept->result));
  }
  EXPECT_EQ(ring_->Take(), nullptr);
}

TEST_P(RingNetTest, ManyMoreMayWaitThanThereAreEntries) {
  constexpr size_t kPairs = 20 * kEntries;
  std::vector<TcpPair> pairs(kPairs);
  std::vector<IoOperation> operations(kPairs);
  std::vector<std::string> buffers(kPairs, "?");
  for (size_t i = 0; i < kPairs; ++i) {
    operations[i] = Receive(pairs[i].near, &buffers[i]);
    StartNow(&operations[i]);
  }
  EXPECT_EQ(ring_->Take(), nullptr);
  // Files are worked on meanwhile.
  struct statx about = {};
  EXPECT_EQ(Run({.kind = IoKind::kStat, .fd = directory_.get(), .about = &about}), 0);
  for (const TcpPair& pair : pairs) EXPECT_EQ(send(pair.far.get(), "x", 1, 0), 1);
  for (size_t i = 0; i < kPairs; ++i) EXPECT_EQ(Next()->result, 1);
  EXPECT_EQ(buffers, std::vector<std::string>(kPairs, "x"));
  EXPECT_EQ(ring_->Take(), nullptr);
}

TEST_P(RingNetTest, GivesBackWhatIsCancelledOfEveryKind) {
  const Fd listener = ListenOnLoopback();
  fcntl(listener.get(), F_SETFL, O_NONBLOCK);
  LocalPair pair;
  FillWith(pair.near, 'x');
  const FullListener full;
  const Fd client = NewSocket();
  std::array<int, 2> ends = {};
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const std::string filling(100'000, 'x');
  while (write(writer.get(), filling.data(), filling.size()) > 0) {
  }
  std::array<int, 2> empty = {};
  ASSERT_EQ(pipe2(empty.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const Fd empty_reader(empty[0]);
  const Fd empty_writer(empty[1]);
  std::string buffer(10, '?');
  msghdr message = {};
  iovec part = {buffer.data(), buffer.size()};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  IoOperation receive_message{.kind = IoKind::kReceiveMessage, .fd = pair.near.get()};
  IoOperation send_message{.kind = IoKind::kSendMessage, .fd = pair.near.get()};
  receive_message.message = send_message.message = &message;
  IoOperation stream_read = Receive(empty_reader, &buffer);
  stream_read.kind = IoKind::kStreamRead;
  IoOperation stream_write = Receive(writer, &buffer);
  stream_write.kind = IoKind::kStreamWrite;
  IoOperation all[] = {Accept(listener),
                       Connect(client, full.address),
                       Receive(pair.near, &buffer),
                       Send(pair.near, &buffer),
                       receive_message,
                       send_message,
                       stream_read,
                       stream_write,
                       Poll(pair.near.get(), POLLIN)};
  static_assert(std::size(all) ==
                static_cast<size_t>(IoKind::kPoll) - static_cast<size_t>(IoKind::kConnect) + 1);
  for (IoOperation& operation : all) {
    ring_->Start(&operation);
    ring_->Submit();
    EXPECT_EQ(ring_->Take(), nullptr) << IoKindName(operation.kind);
    ExpectCancelled(&operation);
  }
  // The same, withdrawn before the system was told.
  for (IoOperation& operation : all) {
    if (operation.kind == IoKind::kConnect) continue;  // It is under way, as the socket tells.
    operation.cancel_asked = false;
    ring_->Start(&operation);
    ExpectCancelled(&operation);
  }
}

// Its answer is what the system did: it may not get lost, nor come twice.
TEST_P(RingNetTest, ACancelThatRacesWithTheEndLosesNothing) {
  TcpPair pair;
  std::string buffer(1, '?');
  size_t received = 0;
  for (int round = 0; round < 500; ++round) {
    IoOperation receive = Receive(pair.near, &buffer);
    StartNow(&receive);
    ASSERT_EQ(ring_->Take(), nullptr);
    ASSERT_EQ(send(pair.far.get(), "x", 1, 0), 1);
    receive.cancel_asked = true;
    ring_->Cancel(&receive);
    ring_->Submit();
    ASSERT_EQ(Next(), &receive);
    ASSERT_TRUE(receive.result == 1 || receive.result == -ECANCELED) << receive.result;
    if (receive.result == 1) {
      ++received;
    } else {
      ASSERT_EQ(Run(Receive(pair.near, &buffer)), 1) << "the byte is still there";
    }
    ASSERT_EQ(ring_->Take(), nullptr);
  }
  RecordProperty("received", static_cast<int>(received));
}

TEST_P(RingNetTest, WaitsForADescriptorWhoseNumberWasAnothers) {
  std::string buffer(10, '?');
  for (int round = 0; round < 20; ++round) {
    TcpPair pair;
    IoOperation receive = Receive(pair.near, &buffer);
    StartNow(&receive);
    if (round % 2 == 0) ExpectCancelled(&receive);
    ASSERT_EQ(send(pair.far.get(), "x", 1, 0), 1);
    if (round % 2 == 0) receive = Receive(pair.near, &buffer);
    if (round % 2 == 0) StartNow(&receive);
    ASSERT_EQ(Next(), &receive);
    ASSERT_EQ(receive.result, 1);
  }
}

TEST_P(RingNetTest, ReadsAndWritesAPipeToItsEnd) {
  std::array<int, 2> ends = {};
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  std::string buffer(10, '?');
  IoOperation read = Receive(reader, &buffer);
  read.kind = IoKind::kStreamRead;
  StartNow(&read);
  EXPECT_EQ(ring_->Take(), nullptr);
  std::string text = "abc";
  IoOperation write = Receive(writer, &text);
  write.kind = IoKind::kStreamWrite;
  StartNow(&write);
  for (int i = 0; i < 2; ++i) Next();
  EXPECT_EQ(write.result, 3);
  EXPECT_EQ(read.result, 3);
  EXPECT_EQ(buffer.substr(0, 4), "abc?");
  StartNow(&read);
  writer.Reset();
  EXPECT_EQ(Next(), &read);
  EXPECT_EQ(read.result, 0);
}

TEST_P(RingNetTest, PollsWhatIsReadyAndWhatIsNoDescriptor) {
  TcpPair pair;
  EXPECT_EQ(Run(Poll(pair.near.get(), POLLIN | POLLOUT)), POLLOUT);
  IoOperation poll = Poll(pair.near.get(), POLLIN);
  StartNow(&poll);
  EXPECT_EQ(ring_->Take(), nullptr);
  EXPECT_EQ(send(pair.far.get(), "x", 1, 0), 1);
  EXPECT_EQ(Next(), &poll);
  EXPECT_EQ(poll.result, POLLIN);
  EXPECT_EQ(Run(Poll(-1, POLLIN)), -EBADF);
}

TEST_P(RingNetTest, SpawnsAProcessAndAwaitsIt) {
  char name[] = "sh";
  char flag[] = "-c";
  char script[] = "exit 7";
  char* const arguments[] = {name, flag, script, nullptr};
  char* const environment[] = {nullptr};
  SpawnRequest request = {.path = "/bin/sh", .arguments = arguments, .environment = environment};
  IoOperation spawn{.kind = IoKind::kSpawn};
  spawn.spawn = &request;
  EXPECT_EQ(Run(spawn), 0);
  ASSERT_GT(request.pid, 0);
  const Fd pidfd(request.pidfd);
  EXPECT_EQ(fcntl(pidfd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(Run(Poll(pidfd.get(), POLLIN)), POLLIN);
  int status = 0;
  EXPECT_EQ(waitpid(request.pid, &status, WNOHANG), request.pid);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  request.path = "/nowhere/at/all";
  EXPECT_EQ(Run(spawn), -ENOENT);
}

TEST_P(RingNetTest, LooksNamesUp) {
  NameLookup lookup = {.host = "localhost", .port = 80};
  IoOperation operation{.kind = IoKind::kResolve};
  operation.lookup = &lookup;
  EXPECT_EQ(Run(operation), 0);
  ASSERT_FALSE(lookup.addresses.empty());
  EXPECT_EQ(lookup.addresses[0].port(), 80);
}

// Nothing may touch the operations afterwards; ASan and TSan watch.
TEST_P(RingNetTest, EndsWithAllKindsOfWaitsUnderWay) {
  std::vector<TcpPair> pairs(3 * kEntries);
  const FullListener full;
  const Fd client = NewSocket();
  {
    std::vector<IoOperation> operations(pairs.size() + 1);
    std::vector<std::string> buffers(pairs.size(), "?");
    for (size_t i = 0; i < pairs.size(); ++i) {
      operations[i] = Receive(pairs[i].near, &buffers[i]);
      StartNow(&operations[i]);
    }
    operations.back() = Connect(client, full.address);
    ring_->Start(&operations.back());
    ring_->Shutdown();
  }
  ring_.reset();
  for (const TcpPair& pair : pairs) EXPECT_EQ(send(pair.far.get(), "x", 1, 0), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, RingNetTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), NameOfBackend);

}  // namespace
}  // namespace weft::sys
