#pragma once

#include <string>
#include <string_view>

namespace weft {

// What a client sent, in quotes, made fit for one line of a log or a terminal, and cut at
// kMaxHandlerNameBytes.
std::string Quoted(std::string_view text);

}  // namespace weft
