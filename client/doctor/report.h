#pragma once

#include <ostream>
#include <vector>

#include "client/doctor/check.h"

// How the checks are shown. Any thread.
namespace weft::doctor {

// "ok", "warning" or "error".
[[nodiscard]] const char* LevelName(Level level);

// A line for each check, a line for each fix, and how many there are of each level. Within 100
// columns: what is longer goes on below. `has_colour` marks the levels as a terminal shows them.
void WriteText(const std::vector<Check>& checks, bool has_colour, std::ostream& out);

// An array of objects: name, level, found, fix.
void WriteJson(const std::vector<Check>& checks, std::ostream& out);

// The worst of them; kOk when there are none.
[[nodiscard]] Level WorstOf(const std::vector<Check>& checks);

}  // namespace weft::doctor
