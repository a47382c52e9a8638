#pragma once

#include <cstdint>
#include <string>

namespace weft {

// What each of the peers is asked for: a client keeps so many tasks without work under way, through
// the peer's server, and a worker of another process takes and answers them one by one.
struct PeerOptions {
  std::string host = "127.0.0.1";
  int port = 0;
  size_t outstanding = 64;
  double duration_s = 1;
};

// Answered within the duration.
struct PeerCount {
  uint64_t tasks = 0;
  double seconds = 0;
};

// Each ends the process with a message when the peer refuses. The worker never returns.
PeerCount RunNatsClient(const PeerOptions& options);
[[noreturn]] void RunNatsWorker(const PeerOptions& options);
PeerCount RunRedisClient(const PeerOptions& options);
[[noreturn]] void RunRedisWorker(const PeerOptions& options);
PeerCount RunGearmanClient(const PeerOptions& options);
[[noreturn]] void RunGearmanWorker(const PeerOptions& options);

// Seconds of a steady clock.
double NowS();
[[noreturn]] void Fail(const std::string& what);

}  // namespace weft
