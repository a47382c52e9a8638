#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace weft::cli {

// After a command line was refused: what it calls a command and none is, and the one most like it:
// `unknown command "stat"; did you mean "stats"?`. Nullopt when a command was found or no word
// stands where one would. Pure, main thread only.
std::optional<std::string> UnknownCommand(const CLI::App& app);

}  // namespace weft::cli
