#include "dispatch/absent_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sys/topology.h"

namespace weft {

Refusal AbsentCore(std::string field, uint32_t cpu, std::vector<int> cpus) {
  std::sort(cpus.begin(), cpus.end());
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.message = absl::StrCat(field, " is ", cpu, ", which is not one of the ", cpus.size(),
                                 cpus.size() == 1 ? " CPU" : " CPUs",
                                 " of executor.cores: ", sys::FormatCpus(cpus));
  refusal.field = std::move(field);
  refusal.absent_core = cpu;
  return refusal;
}

}  // namespace weft
