#include "task/utf8.h"

#include <cstdint>

namespace weft {
namespace {

// The bytes of the character that text begins with; 0 if it begins with none. The Unicode
// Standard 15.0, table 3-7.
size_t CharacterBytes(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = at(0);
  if (first < 0x80) return 1;
  const size_t bytes = first < 0xc2   ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  // The second byte's range depends on the first: no overlong form, surrogate or too large a value.
  const uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < least || at(1) > most) return 0;
  for (size_t i = 2; i < bytes; ++i) {
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  }
  return bytes;
}

}  // namespace

void AssignUtf8(std::string_view from, size_t most_bytes, std::string* to) {
  to->clear();
  while (!from.empty()) {
    const size_t bytes = CharacterBytes(from);
    if (to->size() + (bytes == 0 ? 1 : bytes) > most_bytes) return;
    if (bytes == 0) {
      to->push_back('?');
      from.remove_prefix(1);
    } else {
      to->append(from.substr(0, bytes));
      from.remove_prefix(bytes);
    }
  }
}

}  // namespace weft
