#pragma once

#include <string>

namespace weft::doctor {

// kWarning: weftd runs, but slower, less evenly or with less than it could have. kError: weftd, or
// the daemon looked for, cannot do its work.
enum class Level { kOk, kWarning, kError };

// What one look at the machine came to. A plain value.
struct Check {
  std::string name;
  Level level = Level::kOk;
  std::string found;
  // What to do about it; empty when, and only when, the level is kOk.
  std::string fix;
};

}  // namespace weft::doctor
