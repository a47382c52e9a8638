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

// Pure, both. cores: how many run.

// How many file tasks may have files open at once, so that descriptors are left for all else: as
// many as there are stacks, less where the limit of open files does not allow that; at least
// kLeastFileTasks.
inline constexpr int64_t kLeastFileTasks = 8;
int64_t MostFileTasks(const Config& config, size_t cores, const sys::MachineLimits& limits);

std::vector<LimitWarning> LimitWarnings(const Config& config, size_t cores,
                                        const sys::MachineLimits& limits);

}  // namespace weft
