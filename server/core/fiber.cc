#include "core/fiber.h"

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>

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
namespace {

namespace context = boost::context::detail;

}  // namespace

struct Fiber::Entrance {
  static void Enter(context::transfer_t transfer) {
    Fiber* const* const ends = static_cast<Fiber**>(transfer.data);
    Fiber& self = *ends[1];
    self.Arrive(transfer.fctx, *ends[0]);
    self.main_(self.argument_);
    __builtin_trap();
  }
};

Fiber::Fiber() {
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
  context_ = context::make_fcontext(static_cast<char*>(bottom) + bytes, bytes, &Entrance::Enter);
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
  errno_ = errno;
  void* const globals = abi::__cxa_get_globals();
  std::memcpy(&exceptions_, globals, sizeof(exceptions_));
  std::memcpy(globals, &to.exceptions_, sizeof(exceptions_));
#if WEFT_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.bytes_);
#endif
#if WEFT_TSAN
  __tsan_switch_to_fiber(to.race_detector_fiber_, 0);
#endif
  void* const target = to.context_;
  Fiber* ends[2] = {this, &to};
  const context::transfer_t back = context::jump_fcontext(target, static_cast<void*>(ends));
  Arrive(back.fctx, *static_cast<Fiber**>(back.data)[0]);
  errno = errno_;
}

void Fiber::Arrive(void* context_of_previous, Fiber& previous) {
  previous.context_ = context_of_previous;
#if WEFT_ASAN
  // The thread's own stack is learnt at the first switch away from it.
  __sanitizer_finish_switch_fiber(fake_stack_, &previous.bottom_, &previous.bytes_);
#endif
}

}  // namespace weft
