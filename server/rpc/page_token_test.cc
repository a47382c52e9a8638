// Page tokens: what was sealed is opened, and nothing else is.
#include "rpc/page_token.h"

#include <gtest/gtest.h>

#include "task/labels.h"

namespace weft {
namespace {

constexpr ListCursor kCursor = {.core = 255, .start = 0x12345678, .done = 0xfedcba98};

TEST(PageTokens, OpenWhatTheySealed) {
  const PageTokens tokens;
  const TaskFilter filter = {.handler = "echo", .cpu = 3};
  const std::string token = tokens.Seal(kCursor, filter);
  EXPECT_EQ(tokens.Open(token, filter), kCursor);
  EXPECT_EQ(tokens.Open(tokens.Seal({}, filter), filter), ListCursor());
}

TEST(PageTokens, RefuseEveryChangeOfOneLetter) {
  const PageTokens tokens;
  const std::string token = tokens.Seal(kCursor, {});
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char letter : {'A', 'z', '-', '_', '=', '+', ' ', '\0', '\xff'}) {
      if (token[i] == letter) continue;
      std::string forged = token;
      forged[i] = letter;
      EXPECT_FALSE(tokens.Open(forged, {})) << forged;
    }
  }
}

TEST(PageTokens, RefuseWhatIsCutOrLengthened) {
  const PageTokens tokens;
  const std::string token = tokens.Seal(kCursor, {});
  for (size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(tokens.Open(token.substr(0, size), {})) << size;
  }
  EXPECT_FALSE(tokens.Open(token + "A", {}));
  EXPECT_FALSE(tokens.Open(token + token, {}));
  EXPECT_FALSE(tokens.Open("next", {}));
}

TEST(PageTokens, RefuseThoseOfAnotherBoot) {
  const std::string token = PageTokens().Seal(kCursor, {});
  EXPECT_FALSE(PageTokens().Open(token, {}));
}

TEST(PageTokens, RefuseThoseOfAnotherFilter) {
  const PageTokens tokens;
  std::string labels, other_labels;
  AppendLabel({"a", "b"}, &labels);
  AppendLabel({"a", "c"}, &other_labels);
  const TaskFilter filters[] = {{},
                                {.states = TaskFilter::Bit(TaskState::kQueued)},
                                {.handler = "echo"},
                                {.handler = "ech"},
                                {.cpu = 0},
                                {.cpu = 1},
                                {.labels = labels},
                                {.labels = other_labels},
                                {.handler = labels}};
  for (const TaskFilter& sealed : filters) {
    const std::string token = tokens.Seal(kCursor, sealed);
    for (const TaskFilter& opened : filters) {
      EXPECT_EQ(tokens.Open(token, opened).has_value(), &sealed == &opened);
    }
  }
}

}  // namespace
}  // namespace weft
