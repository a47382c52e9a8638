#include "daemon/drain.h"

namespace weft {

bool Drain::Ready() {
  DrainPhase expected = DrainPhase::kStarting;
  return phase_.compare_exchange_strong(expected, DrainPhase::kRunning);
}

DrainAction Drain::Request() {
  DrainPhase now = phase_.load();
  while (now < DrainPhase::kDraining) {
    if (phase_.compare_exchange_weak(now, DrainPhase::kDraining)) return DrainAction::kBegin;
  }
  return now == DrainPhase::kDraining ? DrainAction::kExitNow : DrainAction::kNone;
}

DrainAction Drain::RequestOnce() {
  return Request() == DrainAction::kBegin ? DrainAction::kBegin : DrainAction::kNone;
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
