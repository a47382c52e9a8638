#include "config/cpu_name.h"

#include <charconv>
#include <system_error>

namespace weft {
namespace {

// Digits and nothing else.
std::optional<uint32_t> ParseNumber(std::string_view text) {
  uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || number > kHighestCpuNumber) return std::nullopt;
  return number;
}

}  // namespace

std::optional<CpuName> ParseCpuName(std::string_view text) {
  CpuName name;
  if (text.starts_with('p')) name.kind = CpuName::Kind::kPackage;
  if (text.starts_with('n')) name.kind = CpuName::Kind::kNumaNode;
  if (name.kind != CpuName::Kind::kCpu) {
    text.remove_prefix(1);
    if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
      name.place = ParseNumber(text.substr(colon + 1));
      if (!name.place.has_value()) return std::nullopt;
      text = text.substr(0, colon);
    }
  }
  const std::optional<uint32_t> number = ParseNumber(text);
  if (!number.has_value()) return std::nullopt;
  name.number = *number;
  return name;
}

}  // namespace weft
