#include "core/fiber.h"

#include <cxxabi.h>

#include <cerrno>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WEFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif

#if WEFT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if WEFT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace weft {

// What a fiber's stack runs first.
struct Fiber::Entrance {
  static void Enter(void* previous) {
    Fiber& self = *static_cast<Fiber*>(previous)->target_;
    self.Arrive(*static_cast<Fiber*>(previous));
    self.main_(self.argument_);
    __builtin_trap();
  }
};

Fiber::Fiber() : places_{reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals()), &errno} {
#if WEFT_TSAN
  race_detector_fiber_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(void* bottom, size_t bytes, Main main, void* argument)
    : main_(main), argument_(argument), bottom_(bottom), bytes_(bytes) {
#if WEFT_ASAN
  // Frames that left this memory without returning have left their marks.
  ASAN_UNPOISON_MEMORY_REGION(bottom, bytes);
#endif
#if WEFT_TSAN
  race_detector_fiber_ = __tsan_create_fiber(0);
#endif
  place_ = MakeStack(bottom, bytes, &Entrance::Enter);
}

Fiber::~Fiber() {
#if WEFT_ASAN
  if (main_ != nullptr) ASAN_UNPOISON_MEMORY_REGION(bottom_, bytes_);
#endif
#if WEFT_TSAN
  if (main_ != nullptr) __tsan_destroy_fiber(race_detector_fiber_);
#endif
}

void Fiber::SwitchTo(Fiber& to) {
  errno_ = *places_.error;
  control_ = FloatControl::Read();
  exceptions_ = *places_.exceptions;
  *places_.exceptions = to.exceptions_;
  to.places_ = places_;
  target_ = &to;
#if WEFT_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.bytes_);
#endif
#if WEFT_TSAN
  __tsan_switch_to_fiber(to.race_detector_fiber_, 0);
#endif
  void* const previous = SwitchStack(&place_, to.place_, &Entrance::Enter, this);
  Arrive(*static_cast<Fiber*>(previous));
  *places_.error = errno_;
}

void Fiber::Arrive(Fiber& previous) {
  if (previous.control_ != control_) [[unlikely]]
    control_.Load();
#if WEFT_ASAN
  // The thread's own stack is learnt at the first switch away from it.
  __sanitizer_finish_switch_fiber(fake_stack_, &previous.bottom_, &previous.bytes_);
#endif
}

}  // namespace weft
