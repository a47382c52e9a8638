// Whom a payload may name, and whom the patterns let through: above all that nothing is let through
// by writing it in another way.
#include "handlers/builtin/host_port.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft {
namespace {

std::string Read(std::string_view text, uint16_t default_port = 0) {
  const auto read = ParseHostPort(text, default_port);
  return read.has_value() ? read->Text() : "none";
}

bool Allows(std::vector<HostPattern> allow, std::string_view whom) {
  const auto read = ParseHostPort(whom);
  return read.has_value() && IsAllowed(*read, allow);
}

TEST(ParseHostPort, WritesEachHostInOneWay) {
  EXPECT_EQ(Read("example.com:80"), "example.com:80");
  EXPECT_EQ(Read("Example.COM.:80"), "example.com:80");
  EXPECT_EQ(Read("localhost:1"), "localhost:1");
  EXPECT_EQ(Read("127.0.0.1:65535"), "127.0.0.1:65535");
  EXPECT_EQ(Read("[::1]:80"), "[::1]:80");
  EXPECT_EQ(Read("[0:0:0::1]:80"), "[::1]:80");
  EXPECT_EQ(Read("[::FFFF:127.0.0.1]:80"), "[::ffff:127.0.0.1]:80");
  EXPECT_EQ(Read("a_b-c.7x:80"), "a_b-c.7x:80");
}

TEST(ParseHostPort, TakesThePortThatIsMeantWhenNoneIsNamed) {
  EXPECT_EQ(Read("example.com", 80), "example.com:80");
  EXPECT_EQ(Read("[::1]", 80), "[::1]:80");
  EXPECT_EQ(Read("example.com:8080", 80), "example.com:8080");
  EXPECT_EQ(Read("example.com"), "none");
}

TEST(ParseHostPort, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "a:",
                           "a:0",
                           "a:65536",
                           "a:-1",
                           "a:+1",
                           "a:080",
                           "a:80 ",
                           " a:80",
                           "a b:80",
                           "a..b:80",
                           ".a:80",
                           "..:80",
                           "::1:80",
                           "[::1",
                           "[]:80",
                           "[127.0.0.1]:80",
                           "[a]:80",
                           "a@b:80",
                           "a/b:80",
                           "a:80:80",
                           "\xc3\xa9:80",
                           "127.1:80",
                           "0x7f000001:80",
                           "127.0.0.0x1:80",
                           "2130706433:80",
                           "0177.0.0.1:80",
                           "256.1.1.1:80"}) {
    EXPECT_EQ(Read(text), "none") << text;
  }
  EXPECT_EQ(Read(std::string_view("a\0b:80", 6)), "none");
  EXPECT_EQ(Read(std::string_view("127.0.0.1\0:80", 13)), "none");
  EXPECT_EQ(Read(std::string(254, 'a') + ":80"), "none");
}

TEST(IsAllowed, ComparesHostsAndPorts) {
  EXPECT_TRUE(Allows({{.host = "example.com"}}, "EXAMPLE.com.:1"));
  EXPECT_FALSE(Allows({{.host = "example.com"}}, "a.example.com:1"));
  EXPECT_FALSE(Allows({{.host = "example.com"}}, "example.com.evil:1"));
  EXPECT_FALSE(Allows({{.host = "example.com"}}, "badexample.com:1"));
  EXPECT_TRUE(Allows({{.host = "example.com", .port = 80}}, "example.com:80"));
  EXPECT_FALSE(Allows({{.host = "example.com", .port = 80}}, "example.com:81"));
  EXPECT_TRUE(Allows({{.host = "b"}, {.host = "a", .port = 1}, {.host = "a", .port = 2}}, "a:2"));
  EXPECT_TRUE(Allows({{.host = "::1"}}, "[0::1]:5"));
  EXPECT_FALSE(Allows({{.host = "127.0.0.1"}}, "[::ffff:127.0.0.1]:5"));
  EXPECT_FALSE(Allows({}, "example.com:80"));
}

TEST(IsAllowed, AStarStandsForWhatIsBelowANameOnly) {
  EXPECT_TRUE(Allows({{.host = "*.example.com"}}, "a.example.com:1"));
  EXPECT_TRUE(Allows({{.host = "*.example.com"}}, "a.b.example.com:1"));
  EXPECT_FALSE(Allows({{.host = "*.example.com"}}, "example.com:1"));
  EXPECT_FALSE(Allows({{.host = "*.example.com"}}, "badexample.com:1"));
  EXPECT_FALSE(Allows({{.host = "*.0.0.1"}}, "1.example.com:1"));
}

}  // namespace
}  // namespace weft
