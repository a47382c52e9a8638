#include "task/labels.h"

#include <cstddef>
#include <cstdint>

namespace weft {
namespace {

void AppendText(std::string_view text, std::string* labels) {
  labels->push_back(static_cast<char>(text.size()));
  labels->append(text);
}

std::string_view TakeText(std::string_view* labels) {
  const size_t size = static_cast<uint8_t>(labels->front());
  const std::string_view text = labels->substr(1, size);
  labels->remove_prefix(1 + text.size());
  return text;
}

}  // namespace

void AppendLabel(const Label& label, std::string* labels) {
  AppendText(label.key, labels);
  AppendText(label.value, labels);
}

Label TakeLabel(std::string_view* labels) {
  const std::string_view key = TakeText(labels);
  return {.key = key, .value = TakeText(labels)};
}

// Both are in the order of their keys, so one walk over labels finds all that is wanted.
bool HasLabels(std::string_view labels, std::string_view wanted) {
  while (!wanted.empty()) {
    const Label next = TakeLabel(&wanted);
    Label label;
    while (label.key < next.key) {
      if (labels.empty()) return false;
      label = TakeLabel(&labels);
    }
    if (label.key != next.key || label.value != next.value) return false;
  }
  return true;
}

}  // namespace weft
