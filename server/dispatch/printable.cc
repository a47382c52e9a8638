#include "dispatch/printable.h"

#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "task/limits.h"

namespace weft {

std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kMaxHandlerNameBytes;
  const std::string_view shown = text.substr(0, kMaxHandlerNameBytes);
  return absl::StrCat("\"", absl::CHexEscape({shown.data(), shown.size()}), cut ? "...\"" : "\"");
}

std::string Readable(int64_t duration_ns) {
  struct Unit {
    double ns;
    const char* name;
  };
  if (duration_ns < 1'000) return absl::StrCat(duration_ns, " ns");
  Unit unit = {1e9, "s"};
  // What would be rounded to 1000 belongs to the next unit.
  if (duration_ns < 999'500'000) unit = {1e6, "ms"};
  if (duration_ns < 999'500) unit = {1e3, "us"};
  const double value = static_cast<double>(duration_ns) / unit.ns;
  const double digits = value < 10 ? 100 : value < 100 ? 10 : 1;
  return absl::StrCat(std::round(value * digits) / digits, " ", unit.name);
}

}  // namespace weft
