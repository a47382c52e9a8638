#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace weft {

// A line that gRPC or Protobuf writes.
struct LibraryLine {
  enum class Severity : uint8_t { kDebug, kInfo, kWarning, kError };

  Severity severity = Severity::kError;
  std::string_view library;  // "grpc" or "protobuf".
  std::string_view text;
};

// From now on the lines go to the sink in place of stderr, one at a time, on whatever thread writes
// them; an empty sink drops them. Of the whole process. Any thread; on return no line is on its way
// to the sink before.
void PassLibraryLines(std::function<void(const LibraryLine&)> sink);

}  // namespace weft
