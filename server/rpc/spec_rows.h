#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "task/limits.h"
#include "task/refusal.h"

// What the messages that carry rows of specs have in common: how many, and where each stands.

namespace weft {

// "specs[7]", written in place: one is made for each row, so the one after the last is only counted
// up. The view holds until the next.
class RowPath {
 public:
  // stem: what stands before the index, at most kStemBytesMax.
  explicit RowPath(std::string_view stem = "specs[") : stem_bytes_(stem.size()) {
    stem.copy(text_.data(), kStemBytesMax);
  }

  std::string_view At(size_t index) {
    if (index == next_index_ && text_[bytes_ - 2] != '9') [[likely]] {
      ++text_[bytes_ - 2];
    } else {
      char* end = std::to_chars(text_.data() + stem_bytes_, text_.data() + text_.size(), index).ptr;
      *end++ = ']';
      bytes_ = static_cast<size_t>(end - text_.data());
    }
    next_index_ = index + 1;
    return {text_.data(), bytes_};
  }

 private:
  static constexpr size_t kStemBytesMax = 8;
  const size_t stem_bytes_;
  size_t bytes_ = 0;
  size_t next_index_ = SIZE_MAX;
  std::array<char, 32> text_;
};

inline bool IsWrongRowCount(size_t count) { return count == 0 || count > kMaxRows; }

inline Refusal WrongRowCount(size_t count) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field = "specs";
  refusal.message = "specs has " + std::to_string(count) + " rows; a message carries 1 to " +
                    std::to_string(kMaxRows);
  return refusal;
}

}  // namespace weft
