#include "core/runner_pool.h"

#include <algorithm>

namespace weft {
namespace {

// Given back in one go: about as long as a short task takes.
constexpr int kTrimMost = 32;

}  // namespace

absl::Status RunnerPool::Prepare(const CoreOptions& options, Fiber::Main main, void* core) {
  if (absl::Status status = stacks_.Map(options.stacks, options.stack_bytes); !status.ok()) {
    return status;
  }
  main_ = main;
  kept_ = std::max<int64_t>(options.stacks_kept, 1);
  for (uint32_t index = options.stacks; index-- > 0;) {
    Runner& runner = runners_.emplace_back();
    runner.core = core;
    runner.index = index;
    runner.next_spare = bare_;
    bare_ = &runner;
  }
  // Bursts within stacks_kept then meet no bare one.
  for (int64_t i = 0; i < std::min<int64_t>(options.stacks, kept_); ++i) CommitOne();
  return absl::OkStatus();
}

void RunnerPool::Lock(sys::LockedMemory* tally) {
  const auto most = static_cast<int64_t>(runners_.size());
  stacks_.Lock(static_cast<uint32_t>(std::min(kept_, most)), tally);
  kept_ = most;
}

// The fiber's first frame is what touches the stack.
void RunnerPool::CommitOne() {
  if (bare_ == nullptr) return;
  Runner* const runner = bare_;
  bare_ = runner->next_spare;
  runner->fiber.emplace(stacks_.Bottom(runner->index), stacks_.Bytes(runner->index), main_, runner);
  runner->next_spare = spare_;
  spare_ = runner;
  stats_.stacks_committed.Set(stats_.stacks_committed.value() + 1);
}

void RunnerPool::TrimSome() {
  Runner* last_kept = spare_;
  for (int64_t i = 1; i < kept_; ++i) last_kept = last_kept->next_spare;
  int64_t given = 0;
  for (; given < kTrimMost && last_kept->next_spare != nullptr; ++given) {
    Runner* const runner = last_kept->next_spare;
    last_kept->next_spare = runner->next_spare;
    runner->fiber.reset();
    stacks_.Release(runner->index);
    runner->next_spare = bare_;
    bare_ = runner;
  }
  stats_.stacks_committed.Set(stats_.stacks_committed.value() - given);
}

}  // namespace weft
