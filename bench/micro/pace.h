#pragma once

#include <cstdint>

#include "sys/clock.h"

namespace weft::bench {

inline double NsOf(const sys::Clock& clock, sys::Ticks ticks) {
  // A hundred of them, so that a fraction of a nanosecond is kept.
  return static_cast<double>(clock.anchor().TicksToNs(ticks * 100)) / 100;
}

inline sys::Ticks TicksOf(const sys::Clock& clock, double seconds) {
  return clock.anchor().NsToTicks(static_cast<int64_t>(seconds * 1e9));
}

// Nanoseconds of one operation, of which step() does so many, again and again for the time given.
template <class Step>
double PerOperation(const sys::Clock& clock, double seconds, uint64_t operations,
                    const Step& step) {
  constexpr int kStepsBetweenLooks = 64;
  const sys::Ticks length = TicksOf(clock, seconds);
  const sys::Ticks began = sys::ReadTicks();
  sys::Ticks now = began;
  uint64_t done = 0;
  while (now - began < length) {
    for (int i = 0; i < kStepsBetweenLooks; ++i) step();
    done += kStepsBetweenLooks * operations;
    now = sys::ReadTicks();
  }
  return NsOf(clock, now - began) / static_cast<double>(done);
}

// What many fibers of one thread that each do an operation again and again share: how many they
// did, and when to stop. The clock is read once in kBetweenLooks of them.
class Pace {
 public:
  Pace(const sys::Clock& clock, double seconds)
      : clock_(clock), began_(sys::ReadTicks()), until_(began_ + TicksOf(clock, seconds)) {}

  // After each operation. False: enough.
  bool Go() {
    if ((++done_ & (kBetweenLooks - 1)) == 0) is_over_ = sys::ReadTicks() >= until_;
    return !is_over_;
  }
  uint64_t done() const { return done_; }
  // Nanoseconds of one operation so far.
  double PerOperation() const {
    return NsOf(clock_, sys::ReadTicks() - began_) / static_cast<double>(done_);
  }

 private:
  static constexpr uint64_t kBetweenLooks = 4096;

  const sys::Clock& clock_;
  const sys::Ticks began_;
  const sys::Ticks until_;
  uint64_t done_ = 0;
  bool is_over_ = false;
};

}  // namespace weft::bench
