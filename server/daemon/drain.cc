#include "daemon/drain.h"

namespace weft {

bool Drain::Ready() {
  DrainPhase expected = DrainPhase::kStarting;
  return phase_.compare_exchange_strong(expected, DrainPhase::kRunning);
}

DrainAction Drain::Request() {
  const bool is_first = !signalled_.exchange(true);
  const DrainAction action = RequestOnce();
  if (action == DrainAction::kBegin || is_first) return action;
  return phase() == DrainPhase::kDraining ? DrainAction::kExitNow : DrainAction::kNone;
}

DrainAction Drain::RequestOnce() {
  DrainPhase now = phase_.load();
  while (now < DrainPhase::kDraining) {
    if (phase_.compare_exchange_weak(now, DrainPhase::kDraining)) return DrainAction::kBegin;
  }
  return DrainAction::kNone;
}

const char* Drain::unreadiness() const {
  switch (phase()) {
    case DrainPhase::kStarting:
      return "starting";
    case DrainPhase::kRunning:
      return "";
    case DrainPhase::kDraining:
      return "draining";
    case DrainPhase::kEnded:
      return "ended";
  }
  return "ended";
}

}  // namespace weft
