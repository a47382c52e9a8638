// URLs as payloads give them: what is asked of whom, and that nothing in one can end a line of the
// request or name another host than is checked.
#include "handlers/builtin/http_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using testing::HasSubstr;

struct Case {
  const char* text;
  const char* whom;
  const char* host_header;
  const char* target;
};

TEST(ParseHttpUrl, TellsWhomToAskForWhat) {
  for (const Case& each :
       {Case{"http://example.com", "example.com:80", "example.com", "/"},
        Case{"HTTP://Example.com/", "example.com:80", "example.com", "/"},
        Case{"http://example.com:80/a", "example.com:80", "example.com", "/a"},
        Case{"http://example.com:8080/a/b?c=d&e", "example.com:8080", "example.com:8080",
             "/a/b?c=d&e"},
        Case{"http://example.com?q=http://other/", "example.com:80", "example.com",
             "/?q=http://other/"},
        Case{"http://example.com#part", "example.com:80", "example.com", "/"},
        Case{"http://example.com/a#part?not", "example.com:80", "example.com", "/a"},
        Case{"http://[::1]/a", "[::1]:80", "[::1]", "/a"},
        Case{"http://[::1]:81", "[::1]:81", "[::1]:81", "/"},
        Case{"http://127.0.0.1:7/%0d%0a", "127.0.0.1:7", "127.0.0.1:7", "/%0d%0a"}}) {
    const auto url = ParseHttpUrl(each.text);
    ASSERT_TRUE(url.ok()) << each.text << url.status();
    EXPECT_EQ(url->whom.Text(), each.whom) << each.text;
    EXPECT_EQ(url->host_header, each.host_header) << each.text;
    EXPECT_EQ(url->target, each.target) << each.text;
  }
}

TEST(ParseHttpUrl, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    return std::string(ParseHttpUrl(text).status().message());
  };
  EXPECT_THAT(message(""), HasSubstr("does not begin with http://"));
  EXPECT_THAT(message("https://a/"), HasSubstr("does not begin with http://"));
  EXPECT_THAT(message("example.com/"), HasSubstr("does not begin with http://"));
  EXPECT_THAT(message("http:///a"), HasSubstr("names no host"));
  EXPECT_THAT(message("http://a:0/"), HasSubstr("no port"));
  EXPECT_THAT(message("http://a:b/"), HasSubstr("no port"));
  EXPECT_THAT(message("http://127.1/"), HasSubstr("names no host"));
  EXPECT_THAT(message("http://good@evil/"), HasSubstr("user information"));
  EXPECT_THAT(message("http://good:80@evil/"), HasSubstr("user information"));
  EXPECT_THAT(message("http://good\\@evil/"), HasSubstr("user information"));
  EXPECT_THAT(message("http://good\\evil/"), HasSubstr("names no host"));
  EXPECT_THAT(message("http://a/\r\nX: y"), HasSubstr("printable ASCII"));
  EXPECT_THAT(message("http://a/ b"), HasSubstr("printable ASCII"));
  EXPECT_THAT(message("http://a/\xc3\xa9"), HasSubstr("printable ASCII"));
  EXPECT_THAT(message(std::string_view("http://a/\0", 10)), HasSubstr("printable ASCII"));
  EXPECT_THAT(message("http://a/" + std::string(kMostUrlBytes, 'a')), HasSubstr("8201 bytes"));
}

}  // namespace
}  // namespace weft
