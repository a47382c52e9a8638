#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// What a client sent, in quotes, made fit for one line of a log or a terminal, and cut at
// kMaxHandlerNameBytes.
std::string Quoted(std::string_view text);

// A duration, not negative, for people: "4.2 ms", to three digits.
std::string Readable(int64_t duration_ns);

}  // namespace weft
