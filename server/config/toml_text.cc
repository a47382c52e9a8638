#include "config/toml_text.h"

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

// One for each alternative of ConfigValue.
struct Writer {
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(int64_t number) const { return absl::StrCat(number); }
  std::string operator()(const std::string& text) const { return QuoteToml(text); }
  template <class Element>
  std::string operator()(const std::vector<Element>& list) const {
    const auto write = [this](std::string* out, const Element& element) {
      absl::StrAppend(out, (*this)(element));
    };
    return absl::StrCat("[", absl::StrJoin(list, ", ", write), "]");
  }
};

}  // namespace

std::string QuoteToml(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string ToToml(const ConfigValue& value) { return std::visit(Writer(), value); }

std::string ToShownToml(const ConfigRow& row, const ConfigValue& value) {
  return row.is_secret ? "\"(hidden)\"" : ToToml(value);
}

std::string Shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(std::string(text.substr(0, end)), "...");
}

}  // namespace weft
