#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/core.h"
#include "sys/clock.h"
#include "sys/prod_env.h"

namespace weft {

using RealCore = Core<sys::ProdEnv>;

// Two cores on threads of their own, and the pool's.
class AsyncThreadTest : public testing::Test {
 protected:
  void SetUp() override {
    for (uint32_t index = 0; index < 2; ++index) Add(index, 0);
    Add(2, 2);
    for (const auto& core : cores_) ASSERT_TRUE(core->Start().ok());
  }
  void TearDown() override {
    for (const auto& core : cores_) {
      core->Stop();
      const auto failed = static_cast<size_t>(TaskState::kFailed);
      EXPECT_EQ(core->stats().ended[failed].value(), 0u) << "what is aborted counts as cancelled";
    }
  }

  TaskHost& host(size_t index) { return *cores_[index]; }
  TaskHost& pool() { return *cores_[2]; }

 private:
  void Add(uint32_t index, uint32_t threads) {
    CoreOptions options;
    options.index = index;
    options.spin_us = 5;
    options.max_queue_depth = 16;
    options.stacks = threads == 0 ? 64 : threads;
    options.local_slots = 64;
    options.remote_slots = 64;
    options.blocking.threads_max = threads;
    cores_.push_back(std::make_unique<RealCore>(options, sys::ProdEnv(clock_.anchor()), doorbell_));
  }

  sys::Clock clock_;
  Doorbell doorbell_;
  std::vector<std::unique_ptr<RealCore>> cores_;
};

}  // namespace weft
