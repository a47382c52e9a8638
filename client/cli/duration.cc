#include "client/cli/duration.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weft::cli {
namespace {

struct Unit {
  const char* name;
  double ns;
};

constexpr std::array<Unit, 6> kUnits = {
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
constexpr double kMaxNs = 9.2e18;

}  // namespace

absl::StatusOr<int64_t> ParseDuration(const std::string& text) {
  const absl::Status refused = absl::InvalidArgumentError(absl::StrCat(
      "duration \"", text, "\" must be a number with a unit: ns, us, ms, s, m or h, such as 10ms"));
  if (text == "0") return 0;
  const size_t split = text.find_first_not_of("0123456789.");
  double number = 0;
  if (split == std::string::npos || !absl::SimpleAtod(text.substr(0, split), &number)) {
    return refused;
  }
  const std::string name = text.substr(split);
  for (const Unit& unit : kUnits) {
    if (name != unit.name && !(unit.ns == 1e3 && name == "µs")) continue;
    const double ns = std::round(number * unit.ns);
    if (ns > kMaxNs) return refused;
    return static_cast<int64_t>(ns);
  }
  return refused;
}

std::string FormatDuration(int64_t ns) {
  const double value = static_cast<double>(ns);
  const double size = std::fabs(value);
  std::array<char, 32> text{};
  if (size < 1e3) {
    std::snprintf(text.data(), text.size(), "%.0f ns", value);
  } else if (size < 999.95e3) {
    std::snprintf(text.data(), text.size(), "%.1f µs", value / 1e3);
  } else if (size < 999.95e6) {
    std::snprintf(text.data(), text.size(), "%.1f ms", value / 1e6);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s", value / 1e9);
  }
  return text.data();
}

}  // namespace weft::cli
