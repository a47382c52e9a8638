#pragma once

#include <string>
#include <string_view>

namespace weft {

// Labels as plain data: one string of pairs in the order of their keys, each a byte with the length
// of the key, the key, a byte with the length of the value, the value. Empty: no labels; at most
// kMaxLabelsBytes. Pure functions, any thread.

struct Label {
  std::string_view key;    // 1 to kMaxLabelKeyBytes.
  std::string_view value;  // At most kMaxLabelValueBytes.
};

// Its key comes after those that are there.
void AppendLabel(const Label& label, std::string* labels);

// Takes the first pair off *labels, which is not empty.
Label TakeLabel(std::string_view* labels);

// Whether every pair of wanted is among labels.
bool HasLabels(std::string_view labels, std::string_view wanted);

}  // namespace weft
