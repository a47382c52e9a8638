#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dispatch/door.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "rpc/alarm_gate.h"
#include "rpc/queue_event.h"

namespace weft {

// Told once when the round it asked in is over: its place to write all that the round brought.
class RoundListener {
 public:
  // before_sleep: the Door is about to wait, and another round may be long in coming.
  virtual void EndOfRound(bool before_sleep) = 0;

 protected:
  RoundListener() = default;
  ~RoundListener() = default;
  RoundListener(const RoundListener&) = delete;
  RoundListener& operator=(const RoundListener&) = delete;

 private:
  friend class CompletionSource;
  RoundListener* next_ = nullptr;
  bool listed_ = false;
};

// What is too much for one round, and goes on in the next.
class RoundWork {
 public:
  // May ask for another round.
  virtual void GoOn() = 0;

 protected:
  ~RoundWork() = default;
};

// Asked to do what is due.
class TickListener {
 public:
  // Returns when it wants to be called again; may be called before.
  virtual sys::Ticks Tick(sys::Ticks now) = 0;

 protected:
  ~TickListener() = default;
};

// The one completion queue as a source of the Door. A round is what lies between the beginnings of
// two Polls that take events: those events and the completions collected after them. Owned by
// RpcServer; Door thread only, unless it says otherwise.
class CompletionSource final : public DoorSource {
 public:
  CompletionSource();
  ~CompletionSource() override;

  // Before the first Poll.
  void Attach(std::unique_ptr<grpc::ServerCompletionQueue> queue);

  size_t Poll(size_t max_events) override;
  bool has_enough() const override { return is_cut_; }
  size_t Wait(int64_t timeout_ns) override;
  sys::Ticks Tick(sys::Ticks now) override {
    return tick_ == nullptr ? sys::kTicksForever : tick_->Tick(now);
  }
  // Any thread. Does nothing when the last ring has not been taken yet or the source is closed.
  void Ring() override;

  // Calls listener when the next Poll or Wait that takes events begins; once, however often it is
  // asked.
  void AtEndOfRound(RoundListener& listener);

  // The Poll that calls this ends with its event: what it brought is work enough, and is to run
  // while it is in the cache.
  void CutRound() { is_cut_ = true; }
  // As CutRound; the next Poll or Wait, instead of taking events, has work go on. There is none
  // yet.
  void GoOnNext(RoundWork& work) {
    assert(unfinished_ == nullptr);
    unfinished_ = &work;
    is_cut_ = true;
  }

  // Calls listener at the end of every round. Before the first Poll.
  void AtEndOfEveryRound(RoundListener& listener) { every_round_ = &listener; }

  // Calls listener at the Door's times. Before the first Poll.
  void AtTick(TickListener& listener) { tick_ = &listener; }

  // From now on no new call may be asked for; those under way go on.
  void StopAsking() { asking_ = false; }
  // After the server's Shutdown. From now on nothing may be posted at all, because that aborts.
  // Finishes what is to go on, and takes every event that is left.
  void CloseAndDrain();

  // Whether a new call may be asked for.
  bool asking() const { return asking_; }
  // Whether anything may be posted.
  bool open() const { return open_; }
  grpc::ServerCompletionQueue& queue() { return *queue_; }

 private:
  class RingEvent;

  bool GoOn();
  void EndRound(bool before_sleep);

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  RoundListener* listeners_ = nullptr;
  RoundListener* every_round_ = nullptr;
  RoundWork* unfinished_ = nullptr;
  TickListener* tick_ = nullptr;
  bool asking_ = false;
  bool open_ = false;
  bool is_cut_ = false;

  std::unique_ptr<RingEvent> ring_event_;
  grpc::Alarm alarm_;
  AlarmGate<> gate_;
};

}  // namespace weft
