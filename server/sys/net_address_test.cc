// Addresses as text and back: every form, and that nothing else is taken, above all no name.
#include "sys/net_address.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::sys {
namespace {

TEST(NetAddress, ReadsAndWritesEveryForm) {
  for (const char* text :
       {"127.0.0.1:0", "127.0.0.1:65535", "0.0.0.0:80", "[::1]:80", "[2001:db8::1]:443", "[::]:0",
        "unix:/run/a.sock", "unix:relative", "unix:@abstract"}) {
    const auto address = NetAddress::Parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->Text(), text);
    const auto copy = NetAddress::From(address->get(), address->bytes());
    ASSERT_TRUE(copy.has_value()) << text;
    EXPECT_EQ(copy->Text(), text);
    EXPECT_EQ(copy->port(), address->port());
  }
  EXPECT_EQ(NetAddress::Parse("[0:0::1]:80")->Text(), "[::1]:80");
  EXPECT_EQ(NetAddress::Parse("127.0.0.1:7411")->port(), 7411);
  EXPECT_EQ(NetAddress::Parse("[::1]:7411")->port(), 7411);
  EXPECT_EQ(NetAddress().Text(), "");
}

TEST(NetAddress, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1:080",
                           "127.0.0.1:80 ",
                           "127.1:80",
                           "256.0.0.1:80",
                           "localhost:80",
                           "::1:80",
                           "[::1]",
                           "[127.0.0.1]:80",
                           "[::1:80",
                           "[]:80",
                           "unix:",
                           "example.com:80"}) {
    EXPECT_FALSE(NetAddress::Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(NetAddress::Parse(std::string_view("127.0.0.1\0:80", 13)).has_value());
  EXPECT_FALSE(NetAddress::Parse(std::string_view("unix:a\0b", 8)).has_value());
}

TEST(NetAddress, TakesAPathOfExactlyWhatFits) {
  constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  EXPECT_EQ(NetAddress::Parse("unix:" + std::string(kMost, 'a'))->Text(),
            "unix:" + std::string(kMost, 'a'));
  EXPECT_FALSE(NetAddress::Parse("unix:" + std::string(kMost + 1, 'a')).has_value());
}

TEST(NetAddress, TakesFromTheSystemOnlyWhatIsWhole) {
  const NetAddress address = *NetAddress::Parse("127.0.0.1:80");
  EXPECT_FALSE(NetAddress::From(address.get(), 1).has_value());
  EXPECT_FALSE(NetAddress::From(address.get(), address.bytes() - 1).has_value());
  EXPECT_FALSE(NetAddress::From(address.get(), address.bytes() + 1).has_value());
  sockaddr other = {};
  other.sa_family = AF_PACKET;
  EXPECT_FALSE(NetAddress::From(&other, sizeof(other)).has_value());
  // A unix socket that was never bound.
  other.sa_family = AF_UNIX;
  EXPECT_EQ(NetAddress::From(&other, sizeof(sa_family_t))->Text(), "unix:");
}

}  // namespace
}  // namespace weft::sys
