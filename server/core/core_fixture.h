#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/core.h"
#include "core/manual_env.h"

namespace weft {

using Body = std::function<TaskOutcome(TaskContext&)>;

// A core under manual time, turned by hand. The test plays the Door.
class CoreTest : public testing::Test {
 protected:
  void Build(const std::function<void(CoreOptions&)>& adjust = [](CoreOptions&) {}) {
    CoreOptions options;
    options.max_queue_depth = 64;
    options.stacks = 4;
    options.outbox_capacity = 64;
    options.inbox_capacity = 64;
    options.handler_count = 64;
    adjust(options);
    core_ =
        std::make_unique<Core<ManualEnv>>(options, ManualEnv(&now_, &system_, &cpu_), doorbell_);
    ASSERT_TRUE(core_->Prepare().ok());
  }

  const TaskEntry* Entry(Body body, bool never_suspends) {
    bodies_.push_back(std::make_unique<Body>(std::move(body)));
    TaskEntry entry;
    entry.run = [](void* state, TaskContext& context) {
      return (*static_cast<Body*>(state))(context);
    };
    entry.state = bodies_.back().get();
    entry.index = static_cast<uint16_t>(entries_.size());
    entry.never_suspends = never_suspends;
    entries_.push_back(std::make_unique<TaskEntry>(entry));
    return entries_.back().get();
  }
  const TaskEntry* Plain(Body body) { return Entry(std::move(body), true); }
  const TaskEntry* Suspending(Body body) { return Entry(std::move(body), false); }

  static TaskId IdOf(uint32_t slot) { return TaskId::Make(0, 1000 + slot); }

  // Submits as the Door does; returns the slot.
  uint32_t Submit(const TaskEntry* entry, Priority priority = Priority::kNormal,
                  sys::Ticks timeout = 0, std::string_view payload = {}) {
    Message message;
    message.slot = next_slot_++;
    message.id = IdOf(message.slot);
    message.entry = entry;
    message.payload = payload.data();
    message.payload_bytes = static_cast<uint32_t>(payload.size());
    message.submitted = now_;
    message.deadline = timeout == 0 ? kNoDeadline : now_ + timeout;
    message.priority = priority;
    message.io_priority = io_priority_.value_or(priority);
    EXPECT_EQ(core_->Post({&message, 1}), 1U);
    return message.slot;
  }

  void Cancel(uint32_t slot, CancelReason reason = CancelReason::kClient) {
    core_->SetCancel(slot, IdOf(slot), reason);
    Message message;
    message.kind = MessageKind::kCancel;
    message.slot = slot;
    message.id = IdOf(slot);
    EXPECT_EQ(core_->Post({&message, 1}), 1U);
  }

  std::vector<Completion> Drain() {
    std::vector<Completion> all(256);
    all.resize(core_->Drain(all));
    return all;
  }

  // The one completion of this turn.
  Completion TurnForOne() {
    core_->Turn();
    const auto all = Drain();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Completion{} : all.front();
  }

  void ExpectConserved() {
    const CoreStats& stats = core_->stats();
    uint64_t ended = 0;
    for (const Counter& state : stats.ended) ended += state.value();
    EXPECT_EQ(stats.submitted.value() + stats.spawned.value(),
              ended + static_cast<uint64_t>(stats.live.value()));
  }

  sys::Ticks now_ = 1'000'000;
  FakeSystem system_;
  ManualCpu cpu_;
  Doorbell doorbell_;
  std::unique_ptr<Core<ManualEnv>> core_;
  std::vector<std::unique_ptr<Body>> bodies_;
  std::vector<std::unique_ptr<TaskEntry>> entries_;
  uint32_t next_slot_ = 0;
  std::optional<Priority> io_priority_;  // Of what is submitted next; none: as the task's.
};

}  // namespace weft
