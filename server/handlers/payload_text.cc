#include "handlers/payload_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "task/limits.h"

namespace weft {
namespace {

constexpr size_t kQuotedBytes = 48;

// Nanoseconds of one unit; 0 for a word that is none.
int64_t UnitNs(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us") return 1'000;
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return 1'000'000'000;
  return 0;
}

}  // namespace

absl::StatusOr<int64_t> ParseDurationNs(std::string_view text) {
  const auto digits_end =
      std::find_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; });
  const size_t digits = static_cast<size_t>(digits_end - text.begin());
  const int64_t unit_ns = UnitNs(text.substr(digits));
  int64_t count = 0;
  const bool overflows = std::from_chars(text.data(), text.data() + digits, count).ec ==
                         std::errc::result_out_of_range;
  if (digits == 0 || unit_ns == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        QuoteForMessage(text),
        " is not a duration: expected a whole number with its unit, ns, us, ms or s, as in 10ms"));
  }
  if (overflows || count > kMaxTimeoutNs / unit_ns) {
    return absl::InvalidArgumentError(absl::StrCat(QuoteForMessage(text),
                                                   " is too long: expected a duration of at most ",
                                                   kMaxTimeoutNs / UnitNs("s"), "s"));
  }
  return count * unit_ns;
}

std::string QuoteForMessage(std::string_view text) {
  const std::string shown(text.substr(0, kQuotedBytes));
  return absl::StrCat("\"", absl::CHexEscape(shown), "\"",
                      text.size() > kQuotedBytes ? " (cut)" : "");
}

}  // namespace weft
