#include "core/fiber.h"

#include <cxxabi.h>

#include <cerrno>
#include <cstdint>

#if !WEFT_SWITCH_BY_FCONTEXT
// At the first switch to a stack: the argument is in rdi, as SwitchStack left it; rbp of 0 ends a
// walk over the frames, and the call aligns the stack as the ABI asks.
asm(R"(
  .text
  .p2align 4
  .globl weft_stack_entrance
  .hidden weft_stack_entrance
  .type weft_stack_entrance, @function
weft_stack_entrance:
  .cfi_startproc
  .cfi_undefined rip
  xorl %ebp, %ebp
  callq *%rbx
  ud2
  .cfi_endproc
  .size weft_stack_entrance, .-weft_stack_entrance
)");
#endif

namespace weft {

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
  place_ = MakeStack(bottom, bytes, &Entrance::Enter);
}

Fiber::~Fiber() {
#if WEFT_ASAN
  if (main_ != nullptr) ASAN_UNPOISON_MEMORY_REGION(bottom_, bytes_);
#endif
#if WEFT_TSAN
  if (main_ != nullptr && race_detector_fiber_ != nullptr)
    __tsan_destroy_fiber(race_detector_fiber_);
#endif
}

void Fiber::SwapExceptions(Fiber& to) {
  exceptions_ = *places_.exceptions;
  *places_.exceptions = to.exceptions_;
  to.exceptions_ = {};
}

}  // namespace weft
