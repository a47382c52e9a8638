#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/core.h"
#include "pace.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/prod_env.h"
#include "sys/thread.h"

// One task at a time from the measuring thread to another CPU: what the rows of a spinning and of a
// sleeping consumer share.
namespace weft::bench {

// What the far side answers to one request, on one cache line of its own.
struct alignas(64) Answer {
  std::atomic<uint64_t> serial{0};
  sys::Ticks started = 0;
};

inline void Relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

inline void Give(Answer* answer, uint64_t serial) {
  answer->started = sys::ReadTicks();
  answer->serial.store(serial, std::memory_order_release);
}

// The time at which it started.
inline sys::Ticks Await(const Answer& answer, uint64_t serial) {
  while (answer.serial.load(std::memory_order_acquire) != serial) Relax();
  return answer.started;
}

// Latencies of one round, in ticks.
struct Samples {
  std::vector<sys::Ticks> to_start;
  std::vector<sys::Ticks> to_completed;
};

// rest() before each: keeps the far side in its idle loop, or lets it fall asleep. send(serial,
// submitted) hands over one request; await(serial) returns once its completion is here, with the
// time at which it started. The first warm_up are not counted.
template <class Rest, class Send, class AwaitIt>
Samples Sample(sys::Ticks length, uint64_t warm_up, const Rest& rest, const Send& send,
               const AwaitIt& await) {
  Samples samples;
  const sys::Ticks began = sys::ReadTicks();
  sys::Ticks now = began;
  for (uint64_t serial = 1; now - began < length || serial < 2 * warm_up; ++serial) {
    rest();
    const sys::Ticks submitted = sys::ReadTicks();
    send(serial, submitted);
    const sys::Ticks started = await(serial);
    now = sys::ReadTicks();
    if (serial <= warm_up) continue;
    samples.to_start.push_back(started - submitted);
    samples.to_completed.push_back(now - submitted);
  }
  return samples;
}

inline double Quantile(const sys::Clock& clock, std::vector<sys::Ticks>* values, double quantile) {
  auto at =
      values->begin() + static_cast<ptrdiff_t>(quantile * static_cast<double>(values->size()));
  std::nth_element(values->begin(), at, values->end());
  return NsOf(clock, *at);
}

inline sys::Thread StartFar(const Settings& settings, std::function<void()> body) {
  sys::ThreadOptions options;
  options.name = "bench-far";
  options.cpus = {settings.far_cpu};
  return std::move(sys::Thread::Start(options, std::move(body))).value();
}

// A core on its own thread on the far CPU, with weftd's bounds, and this thread as its Door. The
// handler may suspend; it stamps its start.
class FarCore {
 public:
  FarCore(const Settings& settings, const sys::Clock& clock, IdlePolicy idle) {
    entry_.run = [](void* state, TaskContext&) {
      *static_cast<sys::Ticks*>(state) = sys::ReadTicks();
      return TaskOutcome::kSucceeded;
    };
    entry_.state = &started_;
    telling_.run = [](void* self, TaskContext&) {
      auto* const core = static_cast<FarCore*>(self);
      Give(&core->answer_, ++core->told_);
      return TaskOutcome::kSucceeded;
    };
    telling_.state = this;
    CoreOptions options;
    options.cpu = settings.far_cpu;
    options.idle = idle;
    options.handler_count = 1;
    core_ = std::make_unique<Core<sys::ProdEnv>>(options, sys::ProdEnv(clock.anchor()), doorbell_);
    is_running_ = core_->Start().ok();
  }

  bool is_running() const { return is_running_; }
  bool is_asleep() const { return core_->asleep(); }
  uint64_t sleeps() const { return core_->stats().sleeps.value(); }

  void Send(uint64_t serial, sys::Ticks submitted) {
    constexpr uint32_t kSlots = 64;  // In turn, as a Door with many tasks in flight uses them.
    Message message;
    message.id = TaskId::Make(0, serial);
    message.entry = &entry_;
    message.submitted = submitted;
    message.slot = static_cast<uint32_t>(serial % kSlots);
    core_->Post({&message, 1});
    ++sent_;
  }
  // As another core does; nobody is told of its end, so it tells its start itself.
  void Spawn() {
    while (core_->SpawnRemote(telling_, {}, Priority::kNormal) != SpawnAnswer::kSpawned) Relax();
    ++sent_;
  }
  sys::Ticks AwaitStart(uint64_t serial) {
    ++answered_;
    return Await(answer_, serial);
  }
  // The time at which the task started.
  sys::Ticks AwaitEnd() {
    Completion completion;
    while (core_->Drain({&completion, 1}) == 0) Relax();
    answered_ += completion.state == TaskState::kSucceeded ? 1 : 0;
    return started_;
  }
  // Ends the thread. Whether the core executed exactly what was sent and answered.
  bool StopAndAgree() {
    core_->Stop();
    return core_->stats().executed() == answered_ && answered_ == sent_;
  }

 private:
  alignas(64) sys::Ticks started_ = 0;
  alignas(64) Doorbell doorbell_;
  TaskEntry entry_;
  TaskEntry telling_;
  Answer answer_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  bool is_running_ = false;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  alignas(64) uint64_t told_ = 0;  // The far side's.
};

}  // namespace weft::bench
