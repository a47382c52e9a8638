#pragma once

#include <cstddef>
#include <cstdint>

#include "sys/sanitizers.h"

// How a thread leaves one stack for another: only for fiber.h. On x86-64 in a few instructions of
// our own, elsewhere and under the sanitizers by Boost.Context's fcontext. The figures are in
// bench/README.md, "What was tried and lost": fcontext comes back by a jump where the processor
// expects a return, so that it then predicts each return of the fiber's callers wrongly.

#if !defined(__x86_64__) || WEFT_ASAN || WEFT_TSAN
#define WEFT_SWITCH_BY_FCONTEXT 1
#endif

#if WEFT_SWITCH_BY_FCONTEXT
#include <boost/context/detail/fcontext.hpp>
#endif

namespace weft {

// How a thread computes with floating point: rounding and masked exceptions. The ABI gives them to
// the caller, so each fiber keeps its own.
struct FloatControl {
#if WEFT_SWITCH_BY_FCONTEXT  // Which sees to them.
  void Save() {}
  void Load() const {}
  bool operator==(const FloatControl&) const = default;
#else
  uint32_t sse = 0x1f80;  // As a process begins with them.
  uint16_t x87 = 0x37f;

  // In place: a copy would be read as one word before its two parts have left the store buffer,
  // which costs a third of a switch.
  void Save() { asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(sse), "=m"(x87)); }
  void Load() const { asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(sse), "m"(x87)); }
  // But for the six flags of what has happened, which every calculation sets.
  bool operator==(const FloatControl& other) const {
    constexpr uint32_t kHappened = 0x3f;
    return ((sse ^ other.sse) & ~kHappened) == 0 && x87 == other.x87;
  }
#endif
};

// Where a stack stands that is not running.
using StackPlace = void*;

// What a stack calls first, and must never return from. argument: of the SwitchStack that came
// here.
using StackMain = void (*)(void* argument);

#if WEFT_SWITCH_BY_FCONTEXT

namespace fiber_switch {
struct Passed {
  StackPlace* left;
  StackMain main;
  void* argument;
};
inline void Enter(boost::context::detail::transfer_t transfer) {
  const Passed passed = *static_cast<Passed*>(transfer.data);
  *passed.left = transfer.fctx;
  passed.main(passed.argument);
}
}  // namespace fiber_switch

inline StackPlace MakeStack(void* bottom, size_t bytes, StackMain /*main*/) {
  return boost::context::detail::make_fcontext(static_cast<char*>(bottom) + bytes, bytes,
                                               &fiber_switch::Enter);
}

inline void* SwitchStack(StackPlace* left, StackPlace target, StackMain main, void* argument) {
  fiber_switch::Passed passed = {left, main, argument};
  const auto back = boost::context::detail::jump_fcontext(target, &passed);
  const auto& arrived = *static_cast<fiber_switch::Passed*>(back.data);
  *arrived.left = back.fctx;
  return arrived.argument;
}

#else

// In fiber.cc.
extern "C" void weft_stack_entrance();

// From the top of a new stack down, what SwitchStack takes: where to go, rbp, rbx.
inline StackPlace MakeStack(void* bottom, size_t bytes, StackMain main) {
  char* end = static_cast<char*>(bottom) + bytes;
  end -= reinterpret_cast<uintptr_t>(end) % 16;
  auto* const top = static_cast<uintptr_t*>(static_cast<void*>(end));
  uintptr_t* const place = top - 5;  // So that what remains is aligned.
  place[0] = reinterpret_cast<uintptr_t>(&weft_stack_entrance);
  place[1] = 0;
  place[2] = reinterpret_cast<uintptr_t>(main);
  return place;
}

// Leaves the stack that runs and notes its place in *left; goes on at target. Returns, when
// something switches back, the argument of that switch. All registers that a call must keep are
// told as changed, but for rbp and rbx, which are saved here, and the stack's; so the compiler
// saves what is alive. It does not know where the stack stands meanwhile: whoever walks the frames
// from in here (a signal handler, a profiler, a debugger) is told that there are no callers.
[[gnu::always_inline]] inline void* SwitchStack(StackPlace* left, StackPlace target,
                                                StackMain /*main*/, void* argument) {
  asm volatile(
      ".cfi_remember_state\n\t"
      ".cfi_def_cfa %%rsp, 8\n\t"
      ".cfi_undefined %%rip\n\t"
      "leaq -128(%%rsp), %%rsp\n\t"  // Past the red zone.
      "pushq %%rbx\n\t"
      "pushq %%rbp\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "movq %%rsp, (%%rsi)\n\t"
      "movq %%rdx, %%rsp\n\t"
      "popq %%rax\n\t"
      "popq %%rbp\n\t"
      "popq %%rbx\n\t"
      "jmpq *%%rax\n"
      "1:\n\t"
      "leaq 128(%%rsp), %%rsp\n\t"
      ".cfi_restore_state"
      : "+D"(argument), "+S"(left), "+d"(target)
      :
      : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
        "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15",
#if defined(__AVX512F__)
        "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",
        "k6", "k7",
#endif
        "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory");
  return argument;
}

#endif

}  // namespace weft
