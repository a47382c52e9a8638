#include "daemon/library_log.h"

#include <optional>
#include <utility>

#include "rpc/library_lines.h"

namespace weft {
namespace {

LogLevel LevelOf(LibraryLine::Severity severity) {
  switch (severity) {
    case LibraryLine::Severity::kDebug:
      return LogLevel::kDebug;
    case LibraryLine::Severity::kInfo:
      return LogLevel::kInfo;
    case LibraryLine::Severity::kWarning:
      return LogLevel::kWarn;
    case LibraryLine::Severity::kError:
      break;
  }
  return LogLevel::kError;
}

}  // namespace

LibraryLog::LibraryLog(Log& log, std::function<int64_t()> now_ns)
    : log_(log), now_ns_(std::move(now_ns)) {}

LibraryLog::~LibraryLog() {
  if (is_attached_) PassLibraryLines({});
}

void LibraryLog::Attach() {
  is_attached_ = true;
  PassLibraryLines(
      [this](const LibraryLine& line) { Write(LevelOf(line.severity), line.library, line.text); });
}

void LibraryLog::Write(LogLevel level, std::string_view library, std::string_view text) {
  std::optional<uint64_t> left_out;
  {
    const std::lock_guard lock(mutex_);
    left_out = limit_.Admit(now_ns_());
  }
  if (!left_out.has_value()) return;
  log_.Write(level, "library", {{"name", library}, {"text", text}, {"left_out", *left_out}});
}

}  // namespace weft
