#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "async/spawn.h"
#include "core/core_fixture.h"

namespace weft {

// A core under manual time with room for many tasks, whose thread the test's is.
class AsyncTest : public CoreTest {
 protected:
  void SetUp() override {
    Build([](CoreOptions& options) {
      options.stacks = 32;
      options.local_slots = 32;
      options.remote_slots = 32;
    });
    core_->TakeThread();
  }

  TaskHost& host() { return *core_; }
  FrameHome& home() { return *core_->frames(); }

  // Turns until nothing more happens at this time.
  void Settle() {
    for (int turn = 0; turn < 1000; ++turn) {
      if (!core_->Turn()) return;
    }
    FAIL() << "the core does not come to rest";
  }
  void Advance(int64_t ns) {
    now_ += ns;
    Settle();
  }
  // The clock that tasks see.
  int64_t NowNs() { return core_->HostNowNs(); }

  // A task that nobody joins.
  template <class F>
  void Go(F body) {
    ASSERT_TRUE(SpawnDetached(host(), std::move(body)).ok());
  }
  // On a thread that runs no tasks.
  template <class F>
  static void Elsewhere(F body) {
    std::thread(std::move(body)).join();
  }
};

}  // namespace weft
