#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>

namespace weft::sys {

// A process to be started. Stays where it is, with all it points to, until that is done.
struct SpawnRequest {
  const char* path = nullptr;          // Of the program; no search.
  char* const* arguments = nullptr;    // The first is its name; null ends them.
  char* const* environment = nullptr;  // Null ends it.
  // Its standard input, output and error; -1: /dev/null. All else that is open is closed by the
  // exec, for all of ours is marked so.
  std::array<int, 3> streams = {-1, -1, -1};

  pid_t pid = -1;
  int pidfd = -1;  // Closed by whoever asked.
};

// Starts it with no signal blocked or ignored; 0, or -errno, which tells of the exec, too. Blocks
// until the exec, so not for a core's thread: whose CPU and scheduling the process would have,
// besides.
int64_t SpawnProcess(SpawnRequest* request);

}  // namespace weft::sys
