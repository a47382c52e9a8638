#pragma once

#include <cstdint>
#include <optional>

namespace weft {

// How many lines of one kind a log takes in a span of time, so that what happens without end does
// not fill it. Whoever uses it guards it.
class LineLimit {
 public:
  LineLimit(uint64_t most_lines, int64_t window_ns)
      : most_lines_(most_lines), window_ns_(window_ns) {}

  // Whether one more line may be written: the number of those that were left out in the window
  // before, to be told in it. Absent: it is left out, too.
  std::optional<uint64_t> Admit(int64_t now_ns) {
    uint64_t left_out = 0;
    if (now_ns >= window_end_ns_) {
      left_out = lines_ > most_lines_ ? lines_ - most_lines_ : 0;
      window_end_ns_ = now_ns + window_ns_;
      lines_ = 0;
    }
    if (++lines_ > most_lines_) return std::nullopt;
    return left_out;
  }

 private:
  const uint64_t most_lines_;
  const int64_t window_ns_;
  int64_t window_end_ns_ = 0;
  uint64_t lines_ = 0;  // In this window, those left out among them.
};

}  // namespace weft
