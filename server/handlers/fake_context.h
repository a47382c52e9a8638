#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "executor/task_context.h"
#include "executor/task_host.h"
#include "sys/io_operation.h"
#include "task/cancel_reason.h"

namespace weft {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// For tests of handlers: runs one task on manual time. NowNs moves it on by tick_ns, SleepFor by
// the sleep's length; a cancel or a deadline happens at the moment set. One thread.
class FakeContext final : public TaskContext {
 public:
  explicit FakeContext(std::string_view payload, int64_t deadline_ns = kNever)
      : TaskContext(payload, cancel_, kId, deadline_ns != kNever), deadline_ns_(deadline_ns) {}

  void CancelAt(int64_t now_ns) { cancel_at_ns_ = now_ns; }
  // Asks the task to stop before it starts.
  void Cancel() { cancel_.Set(kId, CancelReason::kClient); }

  int64_t NowNs() override {
    ++clock_reads_;
    return MoveTo(now_ns_ + tick_ns);
  }
  int64_t EventTimeNs() override { return event_ns_; }
  WakeReason SleepFor(int64_t duration_ns) override {
    const WakeReason reason = Sleep(duration_ns);
    event_ns_ = now_ns_;
    return reason;
  }
  WakeReason Yield() override { return SleepFor(0); }
  // Waits in vain unless on_park had it woken; a wait that nothing ends is a defect of the test.
  WakeReason Park(int64_t until_ns) override {
    if (on_park) on_park();
    if (std::exchange(is_woken_, false)) return WakeReason::kWoken;
    if (until_ns == kNoEnd && std::min(cancel_at_ns_, deadline_ns_) == kNever) std::abort();
    return SleepFor(until_ns - now_ns_);
  }
  void Unpark() override { is_woken_ = true; }
  void Interrupt() override {}
  TaskHost& host() override { return host_; }
  // Does it on the spot, for real, unless a fault was set for its kind.
  int64_t RunIo(sys::IoOperation& operation) override {
    operations_.push_back(operation.kind);
    if (before_io) before_io(operation);
    operation.was_missing = operation.kind == sys::IoKind::kReadAhead && nothing_cached;
    if (!operation.runs_to_end && ShouldStop()) return -ECANCELED;
    const auto fault = faults_.find(operation.kind);
    if (fault == faults_.end() || fault->second.skip-- > 0) return sys::RunIoOperation(operation);
    return fault->second.result;
  }
  // From the skip-th operation of that kind on, it does nothing and answers result.
  void FailIo(sys::IoKind kind, int64_t result, int skip = 0) { faults_[kind] = {result, skip}; }
  const std::vector<sys::IoKind>& operations() const { return operations_; }

  int64_t now_ns() const { return now_ns_; }
  int64_t clock_reads() const { return clock_reads_; }
  const std::vector<int64_t>& sleeps() const { return sleeps_; }
  // What the caller of the task would get.
  std::string_view result() const { return is_alias() ? alias() : std::string_view(output_); }
  const std::string& error_message() const { return error_message_; }
  using TaskContext::error_code;
  using TaskContext::is_alias;

  int64_t tick_ns = 100;
  // Whether what is to be brought into the system's cache is told not to have been there.
  bool nothing_cached = false;
  // Called before the task waits to be woken.
  std::function<void()> on_park;
  // Called before each file operation.
  std::function<void(const sys::IoOperation&)> before_io;

 protected:
  bool DeadlinePassed() override { return now_ns_ >= deadline_ns_; }
  std::string& OutputBuffer() override { return output_; }
  std::string& ErrorMessage() override { return error_message_; }

 private:
  struct Fault {
    int64_t result = 0;
    int skip = 0;
  };

  WakeReason Sleep(int64_t duration_ns) {
    sleeps_.push_back(duration_ns);
    const int64_t end_ns = now_ns_ + duration_ns;
    if (cancel_at_ns_ <= deadline_ns_ && cancel_at_ns_ < end_ns) {
      MoveTo(cancel_at_ns_);
      return WakeReason::kCancelled;
    }
    if (deadline_ns_ < end_ns) {
      MoveTo(deadline_ns_);
      return WakeReason::kDeadline;
    }
    MoveTo(end_ns);
    return WakeReason::kElapsed;
  }

  int64_t MoveTo(int64_t now_ns) {
    now_ns_ = now_ns;
    if (now_ns_ >= cancel_at_ns_) Cancel();
    return now_ns_;
  }

  // Runs no other task, and opens mail at once.
  class Host final : public TaskHost {
   public:
    explicit Host(const FakeContext& context) : context_(context) { here_ = this; }
    ~Host() { here_ = nullptr; }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    SpawnAnswer SpawnTask(SpawnedBody& /*body*/, TaskLevels /*levels*/) override {
      return SpawnAnswer::kSlotsTaken;
    }
    void Deliver(Mail& mail) override { mail.open(mail); }
    void OpenMail() override {}
    int64_t HostNowNs() const override { return context_.now_ns_; }
    FrameHome* frames() override { return nullptr; }

   private:
    const FakeContext& context_;
  };

  static constexpr TaskId kId{1};

  CancelWord cancel_;
  std::string output_;
  std::string error_message_;
  std::vector<int64_t> sleeps_;
  std::map<sys::IoKind, Fault> faults_;
  std::vector<sys::IoKind> operations_;
  Host host_{*this};
  bool is_woken_ = false;
  int64_t now_ns_ = 0;
  int64_t event_ns_ = 0;
  int64_t deadline_ns_;
  int64_t cancel_at_ns_ = kNever;
  int64_t clock_reads_ = 0;
};

}  // namespace weft
