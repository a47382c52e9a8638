#pragma once

#include <sched.h>

#include <cstddef>

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

namespace weft::bench {

// An arena of oneTBB that one worker serves, on the CPU given.
class TbbFar {
 public:
  explicit TbbFar(int cpu) : arena_(1, 0), pin_(arena_, cpu) {}

  template <class Body>
  void Enqueue(const Body& body) {
    arena_.enqueue(body);
  }

 private:
  class Pin final : public tbb::task_scheduler_observer {
   public:
    Pin(tbb::task_arena& arena, int cpu) : tbb::task_scheduler_observer(arena), cpu_(cpu) {
      observe(true);
    }
    ~Pin() override { observe(false); }
    void on_scheduler_entry(bool is_worker) override {
      if (!is_worker) return;
      cpu_set_t mask;
      CPU_ZERO(&mask);
      CPU_SET(static_cast<size_t>(cpu_), &mask);
      sched_setaffinity(0, sizeof(mask), &mask);
    }

   private:
    const int cpu_;
  };

  // The measuring thread is pinned, so oneTBB would count one CPU and start no worker.
  tbb::global_control workers_{tbb::global_control::max_allowed_parallelism, 2};
  tbb::task_arena arena_;
  Pin pin_;
};

}  // namespace weft::bench
