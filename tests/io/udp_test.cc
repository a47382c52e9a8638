// Datagrams on a real core with each real ring: they arrive whole or cut, and say from whom.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "executor/task_udp.h"
#include "net_fixture.h"

namespace weft {
namespace {

using sys::NetAddress;

class UdpTest : public NetTest {
 protected:
  static UdpSocket Bound() {
    UdpSocket socket;
    EXPECT_EQ(UdpSocket::Bind(*NetAddress::Parse("127.0.0.1:0"), &socket), 0);
    return socket;
  }
};

TEST_P(UdpTest, ExchangesDatagramsAndTellsTheSender) {
  UdpSocket near = Bound();
  UdpSocket far = Bound();
  const NetAddress far_address = *far.LocalAddress();
  const uint32_t receiver = Submit([&](TaskContext& context) {
    char buffer[100];
    const Datagram datagram = far.Receive(context, buffer);
    EXPECT_EQ(datagram.bytes, 8);
    EXPECT_FALSE(datagram.was_cut);
    EXPECT_EQ(datagram.from->Text(), near.LocalAddress()->Text());
    EXPECT_EQ(far.SendTo(context, "answer", *datagram.from), 6);
    EXPECT_EQ(far.SendTo(context, "", *datagram.from), 0);
    return TaskOutcome::kSucceeded;
  });
  AwaitSuspended(receiver);
  ExpectSucceeds([&](TaskContext& context) {
    EXPECT_EQ(near.SendTo(context, "question", far_address), 8);
    char buffer[100];
    EXPECT_EQ(near.Receive(context, buffer).bytes, 6);
    EXPECT_EQ(std::string_view(buffer, 6), "answer");
    const Datagram empty = near.Receive(context, buffer);
    EXPECT_EQ(empty.bytes, 0) << "a datagram may be empty";
    EXPECT_TRUE(empty.from.has_value());
    EXPECT_EQ(near.Receive(context, buffer, 1'000'000).bytes, -ETIME);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(Wait(receiver).state, TaskState::kSucceeded);
  near.Close();
  far.Close();
}

TEST_P(UdpTest, TellsThatADatagramWasCut) {
  UdpSocket near = Bound();
  UdpSocket far = Bound();
  ExpectSucceeds([&](TaskContext& context) {
    EXPECT_EQ(near.SendTo(context, "0123456789", *far.LocalAddress()), 10);
    EXPECT_EQ(near.SendTo(context, "01234567", *far.LocalAddress()), 8);
    char buffer[8];
    Datagram datagram = far.Receive(context, buffer);
    EXPECT_EQ(datagram.bytes, 8);
    EXPECT_TRUE(datagram.was_cut);
    EXPECT_EQ(std::string_view(buffer, 8), "01234567");
    datagram = far.Receive(context, buffer);
    EXPECT_EQ(datagram.bytes, 8);
    EXPECT_FALSE(datagram.was_cut) << "one that just fits, and nothing is left of the other";
    return TaskOutcome::kSucceeded;
  });
  near.Close();
  far.Close();
}

TEST_P(UdpTest, SendsToAndReceivesFromOneOnlyOnceConnected) {
  UdpSocket near = Bound();
  UdpSocket far = Bound();
  UdpSocket stranger = Bound();
  EXPECT_EQ(near.Connect(*far.LocalAddress()), 0);
  ExpectSucceeds([&](TaskContext& context) {
    char buffer[8];
    EXPECT_EQ(stranger.SendTo(context, "stranger", *near.LocalAddress()), 8);
    EXPECT_EQ(near.Send(context, "hello"), 5);
    EXPECT_EQ(far.Receive(context, buffer).bytes, 5);
    EXPECT_EQ(far.SendTo(context, "you", *near.LocalAddress()), 3);
    EXPECT_EQ(near.Receive(context, buffer).bytes, 3) << "not the stranger's";
    far.Close();
    // What is sent to nobody comes back as an error, of a send or of a receive.
    EXPECT_EQ(near.Send(context, "x"), 1);
    EXPECT_EQ(near.Receive(context, buffer).bytes, -ECONNREFUSED);
    return TaskOutcome::kSucceeded;
  });
  near.Close();
  stranger.Close();
}

TEST_P(UdpTest, RefusesWhatIsTooLongOrGoesNowhere) {
  UdpSocket socket = Bound();
  ExpectSucceeds([&](TaskContext& context) {
    EXPECT_EQ(socket.SendTo(context, std::string(70'000, 'x'), *socket.LocalAddress()), -EMSGSIZE);
    EXPECT_EQ(socket.Send(context, "x"), -EDESTADDRREQ);
    return TaskOutcome::kSucceeded;
  });
  UdpSocket other;
  EXPECT_EQ(UdpSocket::Bind(*socket.LocalAddress(), &other), -EADDRINUSE);
  EXPECT_FALSE(other.valid());
  socket.Close();
}

INSTANTIATE_TEST_SUITE_P(Backends, UdpTest, testing::Values(IoChoice::kIoUring, IoChoice::kThreads),
                         NameOfBackend);

}  // namespace
}  // namespace weft
