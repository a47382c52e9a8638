#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "async/wait_result.h"
#include "executor/task_context.h"

namespace weft {

class DropGuard;

// Asks for as many tasks as one likes to stop, and for those below it in a tree. A copy is the same
// token. Any thread. A token that goes before its children leaves them as they are; what listened
// to a parent listens for as long as it lives.
class CancellationToken {
 public:
  // Hears of the cancel once, on the canceller's thread, under a lock: it must be short and not use
  // the token. Linked by Listen, out of it by Leave or the cancel.
  class Listener {
   public:
    virtual void OnCancel() = 0;

   protected:
    Listener() = default;
    ~Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    friend class CancellationToken;
    Listener* next_ = nullptr;
    Listener* previous_ = nullptr;
    bool is_linked_ = false;
  };

  // A root: nobody cancels it but who has it.
  CancellationToken();
  // Cancelled with this one, at once if that was; its own cancel leaves this one alone.
  CancellationToken Child() const;
  // Cancels when the guard goes, unless it was disarmed.
  DropGuard Guard() const;

  // Harmless when it was before.
  void Cancel() const;
  // An acquire: what the canceller did before is seen.
  bool is_cancelled() const;
  // Suspends until it is cancelled: kDone.
  WaitResult Wait(TaskContext& context, int64_t until_ns = kNoEnd) const;

  // False: it was cancelled before, and the listener hears nothing.
  bool Listen(Listener& listener) const;
  // False: it has heard of the cancel, or is hearing of it no longer: OnCancel has returned.
  bool Leave(Listener& listener) const;

 private:
  struct State;

  explicit CancellationToken(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

// Cancels a token when it goes.
class [[nodiscard]] DropGuard {
 public:
  explicit DropGuard(CancellationToken token) : token_(std::move(token)) {}
  DropGuard(DropGuard&& other) noexcept
      : token_(other.token_), is_armed_(std::exchange(other.is_armed_, false)) {}
  DropGuard& operator=(DropGuard&&) = delete;
  ~DropGuard() {
    if (is_armed_) token_.Cancel();
  }
  // The token is left as it is.
  CancellationToken Disarm() {
    is_armed_ = false;
    return token_;
  }

 private:
  CancellationToken token_;
  bool is_armed_ = true;
};

// Asks one cancellable task to stop. Any thread; outlives the task at will.
class CancelHandle {
 public:
  explicit CancelHandle(CancellationToken token) : token_(std::move(token)) {}
  void Cancel() const { token_.Cancel(); }
  bool is_cancellation_requested() const { return token_.is_cancelled(); }

 private:
  CancellationToken token_;
};

}  // namespace weft
