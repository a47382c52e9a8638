#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sys/io_operation.h"

namespace weft::sys {

// File operations that wait, by level. The highest level first, oldest first; but every
// kLowestShare-th goes to the lowest level that waits, so that none starves. Owned by whoever has
// the operations.
class IoLevels {
 public:
  static constexpr uint32_t kLowestShare = 16;

  bool empty() const {
    for (const IoList& level : levels_) {
      if (!level.empty()) return false;
    }
    return true;
  }
  void Append(IoOperation* operation) { levels_[operation->priority].Append(operation); }
  void Remove(IoOperation* operation) { levels_[operation->priority].Remove(operation); }
  // The next one, or null.
  IoOperation* Pop() {
    IoList* chosen = nullptr;
    const bool lowest_first = since_lowest_ + 1 >= kLowestShare;
    for (IoList& level : levels_) {
      if (level.empty()) continue;
      chosen = &level;
      if (!lowest_first) break;
    }
    if (chosen == nullptr) return nullptr;
    since_lowest_ = lowest_first ? 0 : since_lowest_ + 1;
    return chosen->Pop();
  }

 private:
  std::array<IoList, kIoLevelCount> levels_;
  uint32_t since_lowest_ = 0;
};

}  // namespace weft::sys
