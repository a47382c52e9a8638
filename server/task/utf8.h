#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weft {

// Overwrites *to with from as valid UTF-8 of at most most_bytes: each byte that is part of no
// character becomes "?", and no character is cut in two. Protobuf's strings must be UTF-8: clients
// in other languages cannot read a message that holds anything else.
void AssignUtf8(std::string_view from, size_t most_bytes, std::string* to);

}  // namespace weft
