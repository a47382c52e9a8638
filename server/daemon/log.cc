#include "daemon/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weft {
namespace {

std::string_view LevelName(LogLevel level) {
  constexpr std::array<std::string_view, 5> kNames = {"trace", "debug", "info", "warn", "error"};
  return kNames[static_cast<size_t>(level)];
}

std::string TimeNow() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
}

// Inside JSON's quotes; bytes beyond ASCII stay, and what is not UTF-8 is the reader's loss.
std::string EscapeJson(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      out += c;
    }
  }
  return out;
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

std::string TextLine(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string line =
      absl::StrCat(TimeNow(), " ", std::string(LevelName(level)), " ", std::string(event));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", std::string(field.key), "=");
    absl::StrAppend(&line, NeedsQuotes(field.value)
                               ? absl::StrCat("\"", absl::CEscape(field.value), "\"")
                               : field.value);
  }
  return line;
}

std::string JsonLine(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string line =
      absl::StrCat("{\"time\":\"", TimeNow(), "\",\"level\":\"", std::string(LevelName(level)),
                   "\",\"event\":\"", EscapeJson(event), "\"");
  for (const LogField& field : fields) {
    const char* const quote = field.is_bare ? "" : "\"";
    absl::StrAppend(&line, ",\"", EscapeJson(field.key), "\":", quote,
                    field.is_bare ? field.value : EscapeJson(field.value), quote);
  }
  return line + "}";
}

}  // namespace

Log::Log(LogLevel least, LogFormat format)
    : Log(least, format, std::make_shared<spdlog::sinks::stderr_sink_mt>()) {}

Log::Log(LogLevel least, LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink)
    : least_(least),
      format_(format),
      logger_(std::make_unique<spdlog::logger>("weftd", std::move(sink))) {
  logger_->set_pattern("%v");
  logger_->set_level(spdlog::level::trace);
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < least_.load(std::memory_order_relaxed)) return;
  const bool is_json = format_.load(std::memory_order_relaxed) == LogFormat::kJson;
  const std::string line =
      is_json ? JsonLine(level, event, fields) : TextLine(level, event, fields);
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace weft
