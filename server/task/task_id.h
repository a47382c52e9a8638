#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weft {

// Names one task for ever: the index of its core in the upper 8 bits, a serial in the lower 56.
// Serials start at boot from wall time in units of 64 ns and only grow, so that an id of an earlier
// boot never names a new task. 0 is no task.
class TaskId {
 public:
  static constexpr int kSerialBits = 56;
  static constexpr uint64_t kSerialMask = (uint64_t{1} << kSerialBits) - 1;

  constexpr TaskId() = default;
  constexpr explicit TaskId(uint64_t value) : value_(value) {}
  // core_index 0 to 255; of serial only the lower 56 bits are kept.
  static constexpr TaskId Make(uint32_t core_index, uint64_t serial) {
    return TaskId((uint64_t{core_index} << kSerialBits) | (serial & kSerialMask));
  }

  constexpr uint64_t value() const { return value_; }
  constexpr uint32_t core_index() const { return static_cast<uint32_t>(value_ >> kSerialBits); }
  constexpr uint64_t serial() const { return value_ & kSerialMask; }
  constexpr auto operator<=>(const TaskId&) const = default;

 private:
  uint64_t value_ = 0;
};

// First serial of a boot at this wall time.
constexpr uint64_t FirstSerial(int64_t unix_ns) {
  return (static_cast<uint64_t>(unix_ns) / 64) & TaskId::kSerialMask;
}

// Reads the text form, a decimal number from 1 to 2^64-1 without sign or spaces.
std::optional<TaskId> ParseTaskId(std::string_view text);

}  // namespace weft
