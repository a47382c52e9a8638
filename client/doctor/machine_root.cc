#include "client/doctor/machine_root.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace weft::doctor {
namespace {

constexpr size_t kReadBytesMax = size_t{1} << 20U;
constexpr int kCpuMax = 65'536;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string MachineRoot::Full(std::string_view path) const { return folder_ + std::string(path); }

std::optional<std::string> MachineRoot::Read(std::string_view path) const {
  std::ifstream file(Full(path), std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kReadBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return std::nullopt;
  text.resize(static_cast<size_t>(file.gcount()));
  absl::StripTrailingAsciiWhitespace(&text);
  return text;
}

std::optional<int64_t> MachineRoot::ReadNumber(std::string_view path) const {
  const std::optional<std::string> text = Read(path);
  int64_t number = 0;
  if (!text || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

std::vector<std::string> MachineRoot::List(std::string_view path) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(Full(path), error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> MachineRoot::ReadLink(std::string_view path) const {
  std::error_code error;
  const std::filesystem::path link = std::filesystem::read_symlink(Full(path), error);
  if (error) return std::nullopt;
  return link.string();
}

bool MachineRoot::Exists(std::string_view path) const {
  std::error_code error;
  return std::filesystem::exists(Full(path), error);
}

std::optional<std::string> FieldOf(std::string_view text, std::string_view key) {
  for (const absl::string_view line : absl::StrSplit(View(text), '\n')) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    if (absl::StripAsciiWhitespace(line.substr(0, colon)) != View(key)) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return std::nullopt;
}

std::vector<int> ParseCpuList(std::string_view text) {
  std::vector<int> cpus;
  for (const absl::string_view part : absl::StrSplit(View(text), ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    int first = 0;
    int last = 0;
    if (ends.size() > 2 || !absl::SimpleAtoi(ends.front(), &first)) return {};
    if (!absl::SimpleAtoi(ends.back(), &last)) return {};
    if (first < 0 || last < first || last > kCpuMax) return {};
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::string FormatCpuList(const std::vector<int>& cpus) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    parts.push_back(last == i ? absl::StrCat(cpus[i]) : absl::StrCat(cpus[i], "-", cpus[last]));
    i = last + 1;
  }
  return absl::StrJoin(parts, ",");
}

}  // namespace weft::doctor
