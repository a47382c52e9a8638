#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>

#include "daemon/line_limit.h"
#include "daemon/log.h"

namespace weft {

// What gRPC and Protobuf have to say, in the log's own format, and no more than kMostLines in
// kWindowNs: each malformed message of any client brings such a line. Owned by the daemon; one at a
// time. Any thread.
class LibraryLog {
 public:
  static constexpr uint64_t kMostLines = 10;
  static constexpr int64_t kWindowNs = 10'000'000'000;

  // log outlives this. now_ns: of a clock that never goes back.
  LibraryLog(Log& log, std::function<int64_t()> now_ns);
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;

  // From here on the libraries write here, in place of stderr.
  void Attach();

  // text: as it is. A line that follows ones that were left out tells how many.
  void Write(LogLevel level, std::string_view library, std::string_view text);

 private:
  Log& log_;
  const std::function<int64_t()> now_ns_;
  bool is_attached_ = false;
  std::mutex mutex_;
  LineLimit limit_{kMostLines, kWindowNs};
};

}  // namespace weft
