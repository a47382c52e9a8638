#pragma once

#include <cstddef>

#include "core/fiber_switch.h"

#if WEFT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if WEFT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace weft {

// A place where a thread can stand: its own stack, or one of the pool's. Tells
// the sanitizers of each switch; how stacks are switched is fiber_switch.h's.
//
// A fiber's code may be inside a catch block, or rely on errno, when it switches away; both belong
// to the thread, so SwitchTo keeps them per fiber.
class Fiber {
 public:
  using Main = void (*)(void* argument);

  // The stack of the thread that calls. All switches begin and end on this thread.
  Fiber();
  // A stack of its own: [bottom, bottom + bytes). main runs at the first switch to it and must
  // never return. The stack outlives the fiber.
  Fiber(void* bottom, size_t bytes, Main main, void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Goes on where `to` stands, on the same thread; returns when something switches back to this.
  // `this` is the fiber that runs. In line: a return behind a switch goes where another stack's
  // call came from as far as the processor knows, so it is predicted wrongly (27 ns of a task that
  // is alone in its turn).
  void SwitchTo(Fiber& to);

  // Not while it runs. Asks for the top of its stack, to be switched to soon.
  void Prefetch() const { __builtin_prefetch(place_); }

 private:
  struct Entrance;
  friend struct Entrance;
  // What the C++ runtime keeps per thread about exceptions in flight (__cxa_eh_globals).
  struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;

    bool empty() const { return caught == nullptr && uncaught == 0; }
  };

  // Where the C library keeps what each fiber must have for itself. Of the thread, so it is handed
  // on from fiber to fiber.
  struct ThreadPlaces {
    ExceptionState* exceptions = nullptr;
    int* error = nullptr;
  };

  // Keeps what the thread has of exceptions, and gives it what `to` had.
  void SwapExceptions(Fiber& to);
  void Arrive(Fiber& previous);

  ThreadPlaces places_;
  Fiber* target_ = nullptr;  // Of the switch under way.
  void* place_ = nullptr;
  ExceptionState exceptions_;  // Empty while it runs.
  FloatControl control_;
  int errno_ = 0;
  Main main_ = nullptr;
  void* argument_ = nullptr;
  // For the sanitizers; unused in other builds.
  [[maybe_unused]] const void* bottom_ = nullptr;
  [[maybe_unused]] size_t bytes_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] void* race_detector_fiber_ = nullptr;
};

inline void Fiber::Arrive(Fiber& previous) {
  if (previous.control_ != control_) [[unlikely]]
    control_.Load();
#if WEFT_ASAN
  // The thread's own stack is learnt at the first switch away from it.
  __sanitizer_finish_switch_fiber(fake_stack_, &previous.bottom_, &previous.bytes_);
#endif
}

// What a fiber's stack runs first.
struct Fiber::Entrance {
  static void Enter(void* previous) {
    Fiber& self = *static_cast<Fiber*>(previous)->target_;
    self.Arrive(*static_cast<Fiber*>(previous));
    self.main_(self.argument_);
    __builtin_trap();
  }
};

[[gnu::always_inline]] inline void Fiber::SwitchTo(Fiber& to) {
  // What is mostly alike is compared: of loads a switch does more in a cycle than of stores.
  errno_ = *places_.error;
  control_.Save();
  if (!places_.exceptions->empty() || !to.exceptions_.empty()) [[unlikely]]
    SwapExceptions(to);
  if (to.places_.error != places_.error) [[unlikely]]
    to.places_ = places_;
  target_ = &to;
#if WEFT_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.bytes_);
#endif
#if WEFT_TSAN
  // Made here, for it takes a millisecond and most of the pool's are never run.
  if (to.race_detector_fiber_ == nullptr) to.race_detector_fiber_ = __tsan_create_fiber(0);
  __tsan_switch_to_fiber(to.race_detector_fiber_, 0);
#endif
  void* const previous = SwitchStack(&place_, to.place_, &Entrance::Enter, this);
  Arrive(*static_cast<Fiber*>(previous));
  if (*places_.error != errno_) *places_.error = errno_;
}

}  // namespace weft
