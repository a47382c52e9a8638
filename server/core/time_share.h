#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace weft {

// A part of a duration, in as many bits as a Completion has left; or that there is nothing to tell.
// Rounded up, by less than a 65,000th of the whole: what was an upper bound stays one. A plain
// value.
class TimeShare {
 public:
  TimeShare() = default;  // Nothing to tell.

  // part: from 0 to whole_ns, which is above 0.
  static TimeShare Of(int64_t part_ns, int64_t whole_ns) {
    const double share = static_cast<double>(part_ns) / static_cast<double>(whole_ns);
    TimeShare made;
    made.code_ = static_cast<uint16_t>(1 + std::ceil(std::clamp(share, 0.0, 1.0) * kWhole));
    return made;
  }

  bool is_none() const { return code_ == 0; }
  // Of that whole.
  std::optional<int64_t> PartOf(int64_t whole_ns) const {
    if (code_ == 0) [[likely]]
      return std::nullopt;
    const double share = static_cast<double>(code_ - 1) / kWhole;
    return std::clamp(std::llround(share * static_cast<double>(whole_ns)), 0LL,
                      static_cast<long long>(whole_ns));
  }

 private:
  static constexpr double kWhole = UINT16_MAX - 1;

  uint16_t code_ = 0;
};
static_assert(sizeof(TimeShare) == 2, "a Completion has two bytes left");

}  // namespace weft
