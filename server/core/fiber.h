#pragma once

#include <cstddef>

#include "core/fiber_switch.h"

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
  // `this` is the fiber that runs.
  void SwitchTo(Fiber& to);

 private:
  struct Entrance;  // In fiber.cc.
  friend struct Entrance;
  // What the C++ runtime keeps per thread about exceptions in flight (__cxa_eh_globals).
  struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };

  // Where the C library keeps what each fiber must have for itself. Of the thread, so it is handed
  // on from fiber to fiber at each switch.
  struct ThreadPlaces {
    ExceptionState* exceptions = nullptr;
    int* error = nullptr;
  };

  void Arrive(Fiber& previous);

  ThreadPlaces places_;
  Fiber* target_ = nullptr;  // Of the switch under way.
  void* place_ = nullptr;
  Main main_ = nullptr;
  void* argument_ = nullptr;
  ExceptionState exceptions_;
  FloatControl control_;
  int errno_ = 0;
  // For the sanitizers; unused in other builds.
  [[maybe_unused]] const void* bottom_ = nullptr;
  [[maybe_unused]] size_t bytes_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] void* race_detector_fiber_ = nullptr;
};

}  // namespace weft
