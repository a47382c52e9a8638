#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"
#include "sys/machine_limits.h"

namespace weft {

// A limit of the machine that is lower than what the configured bounds allow, so that it is met
// first, and not with an answer that names a bound.
struct LimitWarning {
  std::string limit;  // "open files"
  std::string granted;
  std::string needed;
  std::string because;  // The keys behind the need, with their values.
  std::string fix;
};

// Pure. cores: how many run.
std::vector<LimitWarning> LimitWarnings(const Config& config, size_t cores,
                                        const sys::MachineLimits& limits);

}  // namespace weft
