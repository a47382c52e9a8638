#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "task/refusal.h"

namespace weft {

// The refusal of a request that names, in that field, a CPU which is not one of cpus, those that
// have a core. Whatever maps a CPU or a core to a place in a table and was told one that is not
// there answers with this, or with Refusal::absent_core set; Dispatcher::Refuse counts it.
Refusal AbsentCore(std::string field, uint32_t cpu, std::vector<int> cpus);

}  // namespace weft
