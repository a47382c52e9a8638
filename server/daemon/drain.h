#pragma once

#include <atomic>
#include <cstdint>

namespace weft {

// Where the daemon stands between its start and its end.
enum class DrainPhase : uint8_t {
  kStarting,  // Not ready yet.
  kRunning,   // Ready.
  kDraining,  // New work is refused, held work is finished; the Door keeps the limit.
  kEnded,     // The Door has ended.
};

// What a request to end asks of whoever receives it.
enum class DrainAction : uint8_t {
  kBegin,    // The first: begin the drain.
  kExitNow,  // A second signal: end without waiting.
  kNone,     // The daemon is ending anyway.
};

// The order of a shutdown, apart from what it does. Phases only go forward. Any thread.
class Drain {
 public:
  // Start-up is complete. False when an end was asked for before.
  bool Ready();
  // SIGTERM or SIGINT came. One that follows a DrainServer is still the first: a service manager
  // that stops a daemon which drains already must not cost it the work it holds.
  DrainAction Request();
  // DrainServer was called: begins the drain; another call changes nothing.
  DrainAction RequestOnce();
  // Nothing is held any more, or the limit has passed.
  void Ended() { phase_.store(DrainPhase::kEnded); }

  DrainPhase phase() const { return phase_.load(); }
  // Why the daemon is not ready: "starting", "draining" or "ended"; empty when it is.
  const char* unreadiness() const;

 private:
  std::atomic<DrainPhase> phase_{DrainPhase::kStarting};
  std::atomic<bool> signalled_{false};
};

}  // namespace weft
