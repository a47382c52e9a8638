#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/core.h"
#include "sys/io_system.h"
#include "sys/loopback_fixture.h"
#include "sys/machine_limits.h"
#include "sys/prod_env.h"

namespace weft {

using Body = std::function<TaskOutcome(TaskContext&)>;

// A core on a thread of its own with a real ring of the backend that is the parameter, which runs
// what the test gives it. The test's thread is the Door, and the peer. No test may leave a
// descriptor open. Skipped, with the reason, where the kernel refuses the backend.
class NetTest : public testing::TestWithParam<IoChoice> {
 protected:
  struct End {
    TaskState state = TaskState::kQueued;
    TaskErrorCode error_code = TaskErrorCode::kNone;
    std::string output;
    std::string error_message;
  };

  void SetUp() override {
    // As weftd does.
    std::signal(SIGPIPE, SIG_IGN);
    sys::RaiseOpenFiles();
    StartCore(128);
    if (IsSkipped()) return;
    // The first makes what lasts.
    Run([](TaskContext&) { return TaskOutcome::kSucceeded; });
    open_before_ = OpenDescriptors();
  }
  // In the place of the core that there is. tasks: how many may wait at once.
  void StartCore(uint32_t tasks) {
    core_.reset();
    auto system =
        sys::IoSystem::Open({.backend = GetParam(), .ring_entries = 16, .threads = 2}, 1, {});
    if (!system.ok()) GTEST_SKIP() << system.status();
    system_ = *std::move(system);
    CoreOptions options;
    options.idle = IdlePolicy::kSleep;
    options.stacks = tasks;
    options.stacks_kept = 16;
    options.handler_count = 1;
    options.local_slots = tasks;
    options.max_output_bytes = 64 << 20;
    core_ = std::make_unique<Core<sys::ProdEnv>>(
        options, sys::ProdEnv(clock_.anchor(), system_.get()), doorbell_);
    ASSERT_TRUE(core_->Start().ok());
  }
  void TearDown() override {
    if (core_ != nullptr && open_before_ != 0) {
      EXPECT_EQ(OpenDescriptors(), open_before_) << "a descriptor leaked";
      EXPECT_EQ(core_->stats().violations.value(), 0u);
    }
    core_.reset();
  }

  static size_t OpenDescriptors() {
    namespace fs = std::filesystem;
    return static_cast<size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
  }

  const TaskEntry* EntryOf(Body body) {
    bodies_.push_back(std::make_unique<Body>(std::move(body)));
    TaskEntry entry;
    entry.run = [](void* state, TaskContext& context) {
      return (*static_cast<Body*>(state))(context);
    };
    entry.state = bodies_.back().get();
    entries_.push_back(std::make_unique<TaskEntry>(entry));
    return entries_.back().get();
  }
  static TaskId IdOf(uint32_t slot) { return TaskId::Make(0, 1000 + slot); }

  // payload: outlives the task.
  uint32_t Submit(const TaskEntry* entry, int64_t timeout_ns = 0, std::string_view payload = {}) {
    Message message;
    message.slot = next_slot_++;
    message.id = IdOf(message.slot);
    message.entry = entry;
    message.payload = payload.data();
    message.payload_bytes = static_cast<uint32_t>(payload.size());
    message.submitted = sys::ReadTicks();
    if (timeout_ns > 0) {
      message.deadline = message.submitted + clock_.anchor().NsToTicks(timeout_ns);
    }
    while (core_->Post({&message, 1}) == 0) std::this_thread::yield();
    return message.slot;
  }
  uint32_t Submit(Body body, int64_t timeout_ns = 0) {
    return Submit(EntryOf(std::move(body)), timeout_ns);
  }
  void Cancel(uint32_t slot) {
    core_->SetCancel(slot, IdOf(slot), CancelReason::kClient);
    Message message;
    message.kind = MessageKind::kCancel;
    message.slot = slot;
    message.id = IdOf(slot);
    while (core_->Post({&message, 1}) == 0) std::this_thread::yield();
  }
  // Blocks until the task waits for something.
  void AwaitSuspended(uint32_t slot) {
    while (core_->SlotState(slot) != TaskState::kSuspended) std::this_thread::yield();
  }
  // Blocks until the task has ended.
  End Wait(uint32_t slot) {
    while (!ends_.contains(slot)) {
      Completion completion;
      if (core_->Drain({&completion, 1}) == 0) {
        std::this_thread::yield();
      } else if (completion.kind == CompletionKind::kEnded) {
        ends_[completion.slot] = {completion.state, completion.error_code,
                                  std::string(completion.output()),
                                  std::string(completion.error_message())};
      }
    }
    return ends_.extract(slot).mapped();
  }
  End Run(Body body, int64_t timeout_ns = 0) { return Wait(Submit(std::move(body), timeout_ns)); }
  void ExpectSucceeds(Body body) {
    const End end = Run(std::move(body));
    EXPECT_EQ(end.state, TaskState::kSucceeded) << end.error_message;
  }

  sys::Clock clock_;
  Doorbell doorbell_;
  std::unique_ptr<sys::IoSystem> system_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  std::vector<std::unique_ptr<Body>> bodies_;
  std::vector<std::unique_ptr<TaskEntry>> entries_;
  std::map<uint32_t, End> ends_;
  uint32_t next_slot_ = 0;
  size_t open_before_ = 0;
};

inline std::string NameOfBackend(const testing::TestParamInfo<IoChoice>& parameter) {
  return parameter.param == IoChoice::kIoUring ? "IoUring" : "Threads";
}

}  // namespace weft
