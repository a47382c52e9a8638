#include "rpc/completion_source.h"

#include <thread>
#include <utility>

#include "grpc/support/time.h"

namespace weft {

class CompletionSource::RingEvent final : public QueueEvent {
 public:
  explicit RingEvent(AlarmGate<>& gate) : gate_(gate) {}
  void Proceed(bool /*ok*/) override { gate_.Leave(); }

 private:
  AlarmGate<>& gate_;
};

CompletionSource::CompletionSource() : ring_event_(std::make_unique<RingEvent>(gate_)) {}

CompletionSource::~CompletionSource() {
  if (queue_ != nullptr && open_) CloseAndDrain();
}

void CompletionSource::Attach(std::unique_ptr<grpc::ServerCompletionQueue> queue) {
  queue_ = std::move(queue);
  asking_ = true;
  open_ = true;
  gate_.Open();
}

size_t CompletionSource::Poll(size_t max_events) {
  if (GoOn()) return 1;
  EndRound(false);
  const gpr_timespec at_once = gpr_inf_past(GPR_CLOCK_MONOTONIC);
  size_t handled = 0;
  is_cut_ = false;
  while (handled < max_events && !is_cut_) {
    void* tag = nullptr;
    bool ok = false;
    const auto next = queue_->AsyncNext(&tag, &ok, at_once);
    if (next != grpc::CompletionQueue::GOT_EVENT) break;
    static_cast<QueueEvent*>(tag)->Proceed(ok);
    ++handled;
  }
  return handled;
}

size_t CompletionSource::Wait(int64_t timeout_ns) {
  if (GoOn()) return 1;
  EndRound(true);
  const gpr_timespec until =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(timeout_ns, GPR_TIMESPAN));
  void* tag = nullptr;
  bool ok = false;
  if (queue_->AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return 0;
  static_cast<QueueEvent*>(tag)->Proceed(ok);
  return 1;
}

void CompletionSource::Ring() {
  if (gate_.Arrive() && gate_.Enter()) {
    alarm_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC),
               static_cast<QueueEvent*>(&*ring_event_));
  }
  gate_.Depart();
}

void CompletionSource::AtEndOfRound(RoundListener& listener) {
  if (listener.listed_) return;
  listener.listed_ = true;
  listener.next_ = std::exchange(listeners_, &listener);
}

void CompletionSource::CloseAndDrain() {
  while (GoOn()) {
  }
  asking_ = false;
  open_ = false;
  listeners_ = every_round_ = nullptr;
  gate_.Close();
  while (!gate_.IsQuiet()) std::this_thread::yield();
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<QueueEvent*>(tag)->Proceed(ok);
}

// No event is taken while there is unfinished work.
bool CompletionSource::GoOn() {
  if (unfinished_ == nullptr) return false;
  is_cut_ = true;
  std::exchange(unfinished_, nullptr)->GoOn();
  return true;
}

void CompletionSource::EndRound(bool before_sleep) {
  if (every_round_ != nullptr) every_round_->EndOfRound(before_sleep);
  RoundListener* listener = std::exchange(listeners_, nullptr);
  while (listener != nullptr) {
    RoundListener* const next = std::exchange(listener->next_, nullptr);
    listener->listed_ = false;
    listener->EndOfRound(before_sleep);
    listener = next;
  }
}

}  // namespace weft
