#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "config/config.h"
#include "config/loader.h"
#include "daemon/core_grants.h"
#include "sys/machine_limits.h"
#include "sys/topology.h"

namespace weft {

// What a machine offers to a start.
struct MachineOffer {
  std::vector<sys::CpuPlace> cpus;  // That a start would be allowed.
  CoreGrant grant;  // Of what is asked for; one that says nothing stands for all of it.
  sys::MachineLimits limits;
};

// Tries what this machine would grant to a start with the configuration.
MachineOffer TryMachine(const Config& config, absl::Span<const int> allowed);

// What a configuration that is right asks of a machine and it does not offer, so that a start with
// it would be refused here, or would go on without: a line each, as a mistake of the configuration
// is told. Changes nothing. It may be meant for another machine, so nothing of this is an error.
// Blocks on the file system.
std::vector<std::string> MachineWarnings(const LoadedConfig& loaded, const MachineOffer& offer);

}  // namespace weft
