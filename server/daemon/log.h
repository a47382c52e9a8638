#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/config.h"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace weft {

// One key and its value in a line of the log.
struct LogField {
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, bool flag)
      : key(field_key), value(flag ? "true" : "false"), is_bare(true) {}
  template <class Number, std::enable_if_t<std::is_integral_v<Number>, int> = 0>
  LogField(std::string_view field_key, Number number)
      : key(field_key), value(std::to_string(number)), is_bare(true) {}

  std::string_view key;
  std::string value;
  bool is_bare = false;  // A number or a truth value: JSON writes it without quotes.
};

// The log: one line for each event, to stderr. Any thread; a line is written before the call
// returns, so not for anything done for every task.
class Log {
 public:
  Log(LogLevel least, LogFormat format);
  // For tests: writes to the sink.
  Log(LogLevel least, LogFormat format, std::shared_ptr<spdlog::sinks::sink> sink);
  ~Log();

  // From now on.
  void Reconfigure(LogLevel least, LogFormat format) {
    least_.store(least, std::memory_order_relaxed);
    format_.store(format, std::memory_order_relaxed);
  }

  // event: one lower-case word or a few joined by underscores.
  void Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
  void Info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kInfo, event, fields);
  }
  void Warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kWarn, event, fields);
  }
  void Error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kError, event, fields);
  }

 private:
  std::atomic<LogLevel> least_;
  std::atomic<LogFormat> format_;
  const std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace weft
