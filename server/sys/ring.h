#pragma once

#include <cstdint>

#include "sys/io_operation.h"

namespace weft::sys {

// How a ring wakes the thread that waits for it, from whatever thread completes an operation.
struct RingWaker {
  void (*wake)(void* argument) = nullptr;
  void* argument = nullptr;
};

// The I/O of one core: operations go in, completions come out, nothing blocks but Wait. Owned by
// its core; core thread only but for Wake. The caller bounds what is under way by capacity(), so
// that nothing here fills up; but any number is taken of what may last for ever (TakesNoEntry),
// whose only bound is the caller's.
//
// There are two. The one over io_uring hears of completions from the kernel, so a core that sleeps
// while operations are under way has to sleep in it (Wait) and is woken there (Wake). The one over
// threads completes through memory and the waker, as an inbox does: the core sleeps as ever. What
// needs a thread (NeedsThread) completes so in both, so before a Wait the core announces that
// (sys/parking.h).
class Ring {
 public:
  virtual ~Ring() = default;

  // First call, on the core's thread. waker outlives the ring.
  virtual void Attach(RingWaker waker) = 0;

  // Takes an operation over. It goes to the system at the next Submit.
  virtual void Start(IoOperation* operation) = 0;
  // Asks to cut short an operation that is under way; once an operation. It still comes out of Take
  // once, when all the system's answers are there: with -ECANCELED, or as it ended before.
  virtual void Cancel(IoOperation* operation) = 0;
  // Hands all that was started and cancelled to the system, in one system call if any.
  virtual void Submit() = 0;

  // A finished operation, given back, or null. Never waits.
  virtual IoOperation* Take() = 0;
  // Whether Take might give something. A few loads.
  virtual bool HasCompletions() const = 0;

  // Whether the core must sleep in Wait while operations are under way.
  virtual bool has_wait() const = 0;
  // Sleeps until there is a completion, Wake was called since the last Wait began, or the time has
  // passed; -1: without end. May return early for no reason.
  virtual void Wait(int64_t timeout_ns) = 0;
  // Any thread. Ends the Wait that is under way or the next one.
  virtual void Wake() = 0;

  // Cancels all that is under way and waits for it. Nothing is given back; last call.
  virtual void Shutdown() = 0;

  // Operations that may be under way at once.
  virtual uint32_t capacity() const = 0;
  // System calls made for the ring so far.
  virtual uint64_t enters() const = 0;
};

}  // namespace weft::sys
