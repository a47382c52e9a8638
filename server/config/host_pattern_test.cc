// Whom a task may talk to, as the configuration writes it: what each form means, and that anything
// else is refused.
#include "config/host_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

struct Case {
  const char* text;
  const char* host;
  uint16_t port;
};

TEST(ParseHostPattern, ReadsHostsWithAndWithoutAPort) {
  for (const Case& each :
       {Case{"example.com", "example.com", 0}, Case{"Example.COM:80", "example.com", 80},
        Case{"*.example.com:443", "*.example.com", 443}, Case{"localhost", "localhost", 0},
        Case{"127.0.0.1:65535", "127.0.0.1", 65535}, Case{"[::1]", "::1", 0},
        Case{"[0:0::1]:8080", "::1", 8080}, Case{"my_host-1", "my_host-1", 0}}) {
    const auto pattern = ParseHostPattern(each.text);
    ASSERT_TRUE(pattern.has_value()) << each.text;
    EXPECT_EQ(pattern->host, each.host);
    EXPECT_EQ(pattern->port, each.port) << each.text;
  }
}

TEST(ParseHostPattern, RefusesWhatIsNone) {
  for (const char* text :
       {"",     "*",      "*.",       "*example.com", "a.*.com", ".example.com", "example.com.",
        "a..b", "a b",    "http://a", "a/b",          "a:",      "a:0",          "a:65536",
        "a:-1", "a:80x",  "a:80:80",  ":80",          "::1",     "[::1",         "[127.0.0.1]",
        "[]",   "[::1]x", "[::1]:",   "user@host",    "\xc3\xa9"}) {
    EXPECT_FALSE(ParseHostPattern(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseHostPattern(std::string(254, 'a')).has_value());
  EXPECT_TRUE(ParseHostPattern(std::string(253, 'a')).has_value());
  EXPECT_FALSE(ParseHostPattern(std::string_view("a\0b", 3)).has_value());
}

}  // namespace
}  // namespace weft
