#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "sys/ring.h"

namespace weft {

// The test double of the system's side: what cores started stays here until the test says how it
// ended. A test holds it while a core has a FakeRing of it. One thread.
struct FakeSystem {
  std::vector<sys::IoOperation*> prepared;   // Started since the last Submit.
  std::vector<sys::IoOperation*> under_way;  // Oldest first.
  std::vector<sys::IoOperation*> cancels;    // Asked for, in order.
  std::deque<sys::IoOperation*> done;
  uint32_t capacity = 4;
  uint64_t enters = 0;
  bool shut_down = false;

  // The index-th of those under way ends so.
  void Complete(size_t index, int64_t result) {
    sys::IoOperation* const operation = under_way[index];
    under_way.erase(under_way.begin() + static_cast<ptrdiff_t>(index));
    operation->result = result;
    done.push_back(operation);
  }
};

class FakeRing final : public sys::Ring {
 public:
  explicit FakeRing(FakeSystem* system) : system_(system) {}

  void Attach(sys::RingWaker /*waker*/) override {}
  void Start(sys::IoOperation* operation) override { system_->prepared.push_back(operation); }
  void Cancel(sys::IoOperation* operation) override { system_->cancels.push_back(operation); }
  void Submit() override {
    if (system_->prepared.empty()) return;
    ++system_->enters;
    system_->under_way.insert(system_->under_way.end(), system_->prepared.begin(),
                              system_->prepared.end());
    system_->prepared.clear();
  }
  sys::IoOperation* Take() override {
    if (system_->done.empty()) return nullptr;
    sys::IoOperation* const operation = system_->done.front();
    system_->done.pop_front();
    return operation;
  }
  bool HasCompletions() const override { return !system_->done.empty(); }
  bool has_wait() const override { return false; }
  void Wait(int64_t /*timeout_ns*/) override {}
  void Wake() override {}
  void Shutdown() override { system_->shut_down = true; }
  uint32_t capacity() const override { return system_->capacity; }
  uint64_t enters() const override { return system_->enters; }

 private:
  FakeSystem* system_;
};

}  // namespace weft
