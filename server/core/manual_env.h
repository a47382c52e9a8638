#pragma once

#include <atomic>
#include <cstdint>

#include "sys/clock.h"

namespace weft {

// An Env whose time stands still until it is moved: the test double of sys::ProdEnv. Copies share
// one clock, so that a test can hold it while cores have it. Nothing ever sleeps.
class ManualEnv {
 public:
  // One tick is one nanosecond; Unix time is ticks plus kUnixOffset.
  static constexpr int64_t kUnixOffset = 1'700'000'000'000'000'000;

  // now outlives every copy.
  explicit ManualEnv(sys::Ticks* now) : now_(now) { anchor_.unix_ns = kUnixOffset; }

  sys::Ticks Now() const { return *now_; }
  sys::Ticks NowUnordered() const { return *now_; }
  void Sleep(std::atomic<uint32_t>& /*word*/, uint32_t /*while_equal*/, sys::Ticks /*until*/) {}
  void Wake(std::atomic<uint32_t>& /*word*/) { ++wakes_; }
  void Relax() {}
  const sys::ClockAnchor& anchor() const { return anchor_; }
  int wakes() const { return wakes_; }

 private:
  sys::Ticks* now_;
  sys::ClockAnchor anchor_;
  int wakes_ = 0;
};

}  // namespace weft
