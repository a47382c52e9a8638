#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "weft/v1/admin_service.pb.h"

// One frame of `weft top`, as text.
namespace weft::cli {

struct TopSize {
  size_t columns = 80;
  size_t rows = 24;
};

// What a frame shows.
struct TopView {
  std::string target;
  v1::WatchStatsResponse now;
  // The message before: rates are differences. Absent: no rates yet.
  std::optional<v1::GetStatsResponse> before;
  v1::ListCoresResponse cores;
  int64_t unix_ns = 0;  // Of now.
};

// At most size.rows lines of at most size.columns columns, without the line's end at the last. What
// does not fit goes in this order: handlers that did least, cores, and what is right of the edge.
[[nodiscard]] std::string TopFrame(const TopView& view, const TopSize& size);

}  // namespace weft::cli
