#include "wire/labels_wire.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "task/labels.h"
#include "task/limits.h"

namespace weft {
namespace {

bool IsKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == '/';
}

// spec.labels["key"], fit for one line of a log or a terminal.
std::string PathOf(std::string_view path, std::string_view key) {
  const bool is_cut = key.size() > kMaxLabelKeyBytes;
  return absl::StrCat(
      absl::string_view(path.data(), path.size()), "[\"",
      absl::CHexEscape(absl::string_view(key.data(), std::min(key.size(), kMaxLabelKeyBytes))),
      is_cut ? "..." : "", "\"]");
}

Refusal InvalidLabel(std::string field, const std::string& what) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.message = field + what;
  refusal.field = std::move(field);
  return refusal;
}

std::optional<Refusal> CheckLabel(const Label& label, std::string_view path) {
  const auto& [key, value] = label;
  if (key.empty() || key.size() > kMaxLabelKeyBytes ||
      !std::all_of(key.begin(), key.end(), IsKeyCharacter)) {
    return InvalidLabel(
        PathOf(path, key),
        absl::StrCat(" has a key that is not right: 1 to ", kMaxLabelKeyBytes,
                     " characters of A-Z, a-z, 0-9, '.', '_', '-' and '/' are allowed"));
  }
  if (value.size() > kMaxLabelValueBytes) {
    return InvalidLabel(PathOf(path, key),
                        absl::StrCat(" has a value of ", value.size(), " bytes; at most ",
                                     kMaxLabelValueBytes, " are allowed"));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> ReadLabels(const LabelMap& message, std::string_view path,
                                  std::string* labels) {
  labels->clear();
  if (message.size() > kMaxLabels) {
    return InvalidLabel(
        std::string(path),
        absl::StrCat(" has ", message.size(), " labels; at most ", kMaxLabels, " are allowed"));
  }
  std::array<Label, kMaxLabels> pairs;
  size_t count = 0;
  for (const auto& [key, value] : message) pairs[count++] = {.key = key, .value = value};
  return ReadLabels(std::span(pairs).first(count), path, labels);
}

std::optional<Refusal> ReadLabels(std::span<Label> pairs, std::string_view path,
                                  std::string* labels) {
  labels->clear();
  std::sort(pairs.begin(), pairs.end(),
            [](const Label& left, const Label& right) { return left.key < right.key; });
  for (const Label& label : pairs) {
    if (auto refusal = CheckLabel(label, path)) return refusal;
    AppendLabel(label, labels);
  }
  return std::nullopt;
}

void WriteLabels(std::string_view labels, LabelMap* message) {
  message->clear();
  while (!labels.empty()) {
    const Label label = TakeLabel(&labels);
    (*message)[std::string(label.key)].assign(label.value.data(), label.value.size());
  }
}

}  // namespace weft
