#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dispatch/listing.h"
#include "task/task_filter.h"

namespace weft {

// Where a listing goes on, as text that only this process can make: the cursor in the open, and an
// HMAC over it and the filter with a key that is drawn at construction. So a token that was changed
// or made up, that is of another boot, or that comes with another filter is found out. Any thread.
class PageTokens {
 public:
  using Key = std::array<uint8_t, 32>;

  PageTokens();  // Draws the key. Ends the process when the system has no random bytes to give.
  explicit PageTokens(const Key& key) : key_(key) {}

  std::string Seal(const ListCursor& cursor, const TaskFilter& filter) const;
  // Nothing when Seal did not make it for that filter.
  std::optional<ListCursor> Open(std::string_view token, const TaskFilter& filter) const;

 private:
  static constexpr size_t kCursorBytes = 9;
  static constexpr size_t kSealBytes = 18;  // Together 36 letters, none of them half used.

  std::string SealOf(std::string_view cursor, const TaskFilter& filter) const;

  Key key_;
};

}  // namespace weft
