#include "system_call_count.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <iterator>

// A signal handler of the tests' own returns through this. It is the one place whose system call
// the kernel lets pass, so that the counting can be on again before the handler returns. The kernel
// sees the address behind the call, so something has to stand there.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WEFT_HAS_SYSTEM_CALL_COUNT 1
#else
#define WEFT_HAS_SYSTEM_CALL_COUNT 0
#endif

#if WEFT_HAS_SYSTEM_CALL_COUNT
asm(R"(
  .text
  .globl weft_return_from_signal
weft_return_from_signal:
  mov $15, %eax
  syscall
  ud2
)");
extern "C" void weft_return_from_signal();
#endif

namespace weft {
namespace {

// Of linux/prctl.h, newer than Debian 12's glibc.
constexpr int kSetDispatch = 59;
constexpr unsigned long kDispatchOff = 0;
constexpr char kAllow = 0;

// Read by the kernel at each system call of the thread.
volatile char selector = kAllow;
volatile uint64_t counted = 0;
volatile uint64_t counted_of[512] = {};
volatile int64_t last_number = -1;

#if WEFT_HAS_SYSTEM_CALL_COUNT

constexpr size_t kReturnBytes = 9;  // Of weft_return_from_signal.
constexpr unsigned long kDispatchOn = 1;
constexpr char kBlock = 1;

void OnSystemCall(int /*signal*/, siginfo_t* info, void* context) {
  selector = kAllow;
  counted = counted + 1;
  if (info->si_syscall >= 0 && info->si_syscall < static_cast<int>(std::size(counted_of))) {
    counted_of[info->si_syscall] = counted_of[info->si_syscall] + 1;
  }
  last_number = info->si_syscall;
  greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  register long r10 asm("r10") = registers[REG_R10];
  register long r8 asm("r8") = registers[REG_R8];
  register long r9 asm("r9") = registers[REG_R9];
  long result = info->si_syscall;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(registers[REG_RDI]), "S"(registers[REG_RSI]), "d"(registers[REG_RDX]),
                 "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  registers[REG_RAX] = result;
  selector = kBlock;
}

bool HandleSignal() {
  // What rt_sigaction takes; the library's own would put another way to return in.
  struct {
    void (*handler)(int, siginfo_t*, void*) = &OnSystemCall;
    unsigned long flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000;  // SA_RESTORER
    void (*restorer)() = &weft_return_from_signal;
    uint64_t mask = 0;
  } action;
  return syscall(SYS_rt_sigaction, SIGSYS, &action, nullptr, sizeof(action.mask)) == 0;
}

bool TurnOn() {
  if (!HandleSignal() ||
      prctl(kSetDispatch, kDispatchOn, &weft_return_from_signal, kReturnBytes, &selector) != 0) {
    return false;
  }
  selector = kBlock;
  return true;
}

#else

bool TurnOn() { return false; }

#endif

}  // namespace

SystemCallCount::SystemCallCount() {
  counted = 0;
  for (volatile uint64_t& count : counted_of) count = 0;
  last_number = -1;
  works_ = TurnOn();
}

SystemCallCount::~SystemCallCount() {
  selector = kAllow;
  if (works_) prctl(kSetDispatch, kDispatchOff, 0, 0, 0);
}

uint64_t SystemCallCount::count() const { return counted; }
uint64_t SystemCallCount::count_of(int64_t number) const { return counted_of[number]; }
int64_t SystemCallCount::last() const { return last_number; }

}  // namespace weft
