// Addresses that a daemon may listen on, as text, and the refusal of all other text.
#include "config/listen_address.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace weft {
namespace {

TEST(ListenAddress, ReadsIpAddressesAndPorts) {
  const auto v4 = ParseListenAddress("127.0.0.1:7411");
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 7411);
  EXPECT_TRUE(v4->is_loopback);
  const auto v6 = ParseListenAddress("[::1]:0");
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_TRUE(v6->is_loopback);
  EXPECT_EQ(ParseListenAddress("localhost:1")->host, "127.0.0.1");
  EXPECT_TRUE(ParseListenAddress("127.9.9.9:65535")->is_loopback);
  EXPECT_FALSE(ParseListenAddress("0.0.0.0:1")->is_loopback);
  EXPECT_FALSE(ParseListenAddress("[::]:1")->is_loopback);
  EXPECT_FALSE(ParseListenAddress("192.0.2.1:1")->is_loopback);
}

TEST(ListenAddress, RefusesOtherText) {
  for (const char* text : {"", "7411", "127.0.0.1", "127.0.0.1:", ":7411", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:x", "127.0.0.1:1 ", "example.com:1",
                           "::1:7411", "[127.0.0.1]:1", "[::1]", "256.0.0.1:1"}) {
    EXPECT_FALSE(ParseListenAddress(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseListenAddress(std::string_view("127.0.0.1\0x:1", 13)).has_value());
}

TEST(ListenAddress, IsWrittenAsItIsRead) {
  for (const char* text : {"127.0.0.1:7411", "[::1]:0"}) {
    EXPECT_EQ(FormatListenAddress(*ParseListenAddress(text)), text);
  }
}

}  // namespace
}  // namespace weft
