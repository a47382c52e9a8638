#pragma once

#include <atomic>
#include <cstdint>

#include "sys/clock.h"

namespace weft::sys {

// The real machine as the core sees it: the `Env` of production builds. Any thread; holds only the
// anchor of its construction, whose rate is good for durations. For wall-clock stamps the Door uses
// the Clock's current anchor.
class ProdEnv {
 public:
  explicit ProdEnv(const ClockAnchor& anchor) : anchor_(anchor) {}

  Ticks Now() const { return ReadTicks(); }
  // Cheaper; see ReadTicksUnordered.
  Ticks NowUnordered() const { return ReadTicksUnordered(); }

  // Sleeps while `word` holds `while_equal`, until `until` at the longest (kTicksForever: no end).
  // Returns at once when the word differs. May also return early for no reason: look again.
  void Sleep(std::atomic<uint32_t>& word, uint32_t while_equal, Ticks until);

  // Ends one Sleep on `word`. Change the word before, or the sleeper sleeps on.
  void Wake(std::atomic<uint32_t>& word);

  // One step of a spin loop.
  void Relax() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const ClockAnchor& anchor() const { return anchor_; }

 private:
  const ClockAnchor anchor_;
};

}  // namespace weft::sys
