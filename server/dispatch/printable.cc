#include "dispatch/printable.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "task/limits.h"

namespace weft {

std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kMaxHandlerNameBytes;
  const std::string_view shown = text.substr(0, kMaxHandlerNameBytes);
  return absl::StrCat("\"", absl::CHexEscape({shown.data(), shown.size()}), cut ? "...\"" : "\"");
}

}  // namespace weft
