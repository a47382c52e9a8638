#pragma once

#include <cstddef>

namespace weft {

// A place where a thread can stand: its own stack, or one of the pool's. The only file that knows
// how stacks are switched (Boost.Context's fcontext), and that tells the sanitizers.
//
// A fiber's code may be inside a catch block, or rely on errno, when it switches away; both belong
// to the thread, so SwitchTo keeps them per fiber.
class Fiber {
 public:
  using Main = void (*)(void* argument);

  // The thread's own stack. Core thread only.
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
  struct Entrance;  // What fcontext calls first; in fiber.cc.
  friend struct Entrance;
  // What the C++ runtime keeps per thread about exceptions in flight (__cxa_eh_globals).
  struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };

  void Arrive(void* context_of_previous, Fiber& previous);

  void* context_ = nullptr;
  Main main_ = nullptr;
  void* argument_ = nullptr;
  ExceptionState exceptions_;
  int errno_ = 0;
  // For the sanitizers; unused in other builds.
  const void* bottom_ = nullptr;
  size_t bytes_ = 0;
  void* fake_stack_ = nullptr;
  void* race_detector_fiber_ = nullptr;
};

}  // namespace weft
