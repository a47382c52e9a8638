#pragma once

#include <string>
#include <vector>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

namespace weft::doctor {

struct DoctorOptions {
  // Of the daemon, as Client takes it.
  std::string target = "127.0.0.1:7411";
  // The user named the target, so that a daemon should answer there.
  bool is_target_asked_for = false;
  // host:port of the daemon's HTTP server.
  std::string web = "127.0.0.1:7412";
  bool is_web_asked_for = false;
  // Of this program.
  std::string version;
};

// Looks at the machine, and at who answers where a weftd would, in less than 2 s. Changes nothing:
// it sets up a ring and two threads of its own for a moment, and asks a daemon for its health and
// its statistics. Main thread only.
[[nodiscard]] std::vector<Check> Examine(const MachineRoot& root, const DoctorOptions& options);

}  // namespace weft::doctor
