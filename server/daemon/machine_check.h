#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "config/loader.h"

namespace weft {

// What a configuration that is right asks of a machine and this one does not grant, so that a start
// with it would be refused here: a line each, as a mistake of the configuration is told. Changes
// nothing. It may be meant for another machine, so nothing of this is an error.
// allowed: the CPUs that a start would be allowed. Blocks on the file system.
std::vector<std::string> MachineWarnings(const LoadedConfig& loaded, absl::Span<const int> allowed);

}  // namespace weft
