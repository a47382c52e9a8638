// Proves that a fiber goes on where it stood, with its own errno, its own rounding and its own
// exceptions in flight, that whoever walks the frames from within a switch finds nothing but code,
// and that one that outgrows its stack hits the guard instead of other memory.
#include "core/fiber.h"

#include <gtest/gtest.h>

#include <execinfo.h>
#include <ucontext.h>

#include <array>
#include <cerrno>
#include <cfenv>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/stack_pool.h"
#include "sys/stack_trace.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEFT_TEST_SANITIZED 1
#endif
#endif

namespace weft {
namespace {

class FiberTest : public testing::Test {
 protected:
  static constexpr size_t kStackBytes = 64 * 1024;

  void SetUp() override { ASSERT_TRUE(stacks_.Map(4, kStackBytes).ok()); }

  // A fiber that runs body and, when it returns, goes back to the thread for good.
  struct Part {
    FiberTest* test;
    std::function<void()> body;
    std::unique_ptr<Fiber> fiber;
    bool ended = false;
  };

  void Make(Part* part, uint32_t stack, std::function<void()> body) {
    part->test = this;
    part->body = std::move(body);
    part->fiber = std::make_unique<Fiber>(stacks_.Bottom(stack), stacks_.Bytes(stack), &Main, part);
  }

  static void Main(void* argument) {
    Part* const part = static_cast<Part*>(argument);
    part->body();
    part->ended = true;
    for (;;) part->fiber->SwitchTo(part->test->thread_);
  }

  StackPool stacks_;
  Fiber thread_;
};

TEST_F(FiberTest, GoesOnWhereItStood) {
  std::string trace;
  Part part;
  Make(&part, 0, [&] {
    for (const char step : {'b', 'd', 'f'}) {
      trace += step;
      part.fiber->SwitchTo(thread_);
    }
  });
  for (const char step : {'a', 'c', 'e'}) {
    trace += step;
    thread_.SwitchTo(*part.fiber);
  }
  EXPECT_FALSE(part.ended);
  thread_.SwitchTo(*part.fiber);
  EXPECT_TRUE(part.ended);
  EXPECT_EQ(trace, "abcdef");
}

TEST_F(FiberTest, SwitchesFromFiberToFiber) {
  std::string trace;
  Part first;
  Part second;
  Make(&first, 0, [&] {
    trace += '1';
    first.fiber->SwitchTo(*second.fiber);
    trace += '3';
  });
  Make(&second, 1, [&] {
    trace += '2';
    second.fiber->SwitchTo(*first.fiber);
    trace += '4';
  });
  thread_.SwitchTo(*first.fiber);
  thread_.SwitchTo(*second.fiber);
  EXPECT_EQ(trace, "1234");
}

TEST_F(FiberTest, KeepsItsLocalsOnItsOwnStack) {
  Part part;
  const char* bottom = static_cast<const char*>(stacks_.Bottom(2));
  Make(&part, 2, [&] {
    volatile char local = 1;
    const char* const address = const_cast<const char*>(&local);
#ifndef WEFT_TEST_SANITIZED  // A sanitizer may keep locals elsewhere.
    EXPECT_GE(address, bottom);
    EXPECT_LT(address, bottom + stacks_.Bytes(2));
#else
    EXPECT_NE(address, bottom);
#endif
    part.fiber->SwitchTo(thread_);
    EXPECT_EQ(local, 1);
  });
  thread_.SwitchTo(*part.fiber);
  thread_.SwitchTo(*part.fiber);
  EXPECT_TRUE(part.ended);
}

TEST_F(FiberTest, HasItsOwnErrno) {
  Part part;
  Make(&part, 0, [&] {
    errno = ENOENT;
    part.fiber->SwitchTo(thread_);
    EXPECT_EQ(errno, ENOENT);
    errno = EAGAIN;
  });
  errno = EINTR;
  thread_.SwitchTo(*part.fiber);
  EXPECT_EQ(errno, EINTR);
  thread_.SwitchTo(*part.fiber);
  EXPECT_EQ(errno, EINTR);
  EXPECT_TRUE(part.ended);
}

// What the compiler must not work out beforehand.
volatile double one = 1;
volatile double three = 3;
volatile long double long_three = 3;

struct Thirds {
  double sse = one / three;
  long double x87 = one / long_three;
  int mode = std::fegetround();

  bool operator==(const Thirds&) const = default;
};

TEST_F(FiberTest, RoundsInItsOwnWay) {
  Part parts[2];
  Thirds before[2];
  Thirds after[2];
  for (uint32_t i = 0; i < 2; ++i) {
    Make(&parts[i], i, [&, i] {
      std::fesetround(i == 0 ? FE_UPWARD : FE_DOWNWARD);
      before[i] = Thirds();
      parts[i].fiber->SwitchTo(thread_);
      after[i] = Thirds();
      parts[i].fiber->SwitchTo(*parts[1 - i].fiber);
    });
  }
  const Thirds own;
  for (Part& part : parts) thread_.SwitchTo(*part.fiber);
  EXPECT_EQ(Thirds(), own) << "a fiber's rounding leaked to the thread";
  // From the first straight to the second, and back here when that has ended.
  thread_.SwitchTo(*parts[0].fiber);
  thread_.SwitchTo(*parts[1].fiber);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(before[i], after[i]) << "of fiber " << i;
  EXPECT_EQ(after[0].mode, FE_UPWARD);
  EXPECT_EQ(after[1].mode, FE_DOWNWARD);
  EXPECT_GT(after[0].sse, after[1].sse);
  EXPECT_GT(after[0].x87, after[1].x87);
  EXPECT_EQ(Thirds(), own);
}

#if !WEFT_SWITCH_BY_FCONTEXT
TEST(FloatControl, IsTheSameWhateverWasCalculated) {
  const FloatControl fresh;
  FloatControl other;
  other.sse |= 0x3f;
  EXPECT_EQ(other, fresh);
  other.sse |= 0x2000;
  EXPECT_NE(other, fresh) << "it rounds down";
  other = fresh;
  other.x87 |= 0x400;
  EXPECT_NE(other, fresh) << "it rounds down in the other unit";
}

// Stops after each instruction of this thread, between Begin and End, and walks the frames from
// there as sys::CaptureStack does.
class SingleSteps {
 public:
  void Begin() {
    the_steps = this;
    ReadCode();
    void* frame = nullptr;
    ::backtrace(&frame, 1);  // The first one loads the unwinder.
    struct sigaction action {};
    action.sa_sigaction = &OnStep;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGTRAP, &action, &previous_);
    SetTrapFlag();
  }
  void End() {
    ends_ = true;
    // The next instruction is a step, whose handler takes the flag away.
    asm volatile("nop" ::: "memory");
    ::sigaction(SIGTRAP, &previous_, nullptr);
  }

  int steps() const { return steps_; }
  // Walks that met what is no code of the program or a library.
  int strayed() const { return strayed_; }
  // Walks that found no caller of where they began.
  int without_caller() const { return without_caller_; }

 private:
  static constexpr int kMostFrames = 64;
  static constexpr greg_t kTrapFlag = 0x100;

  static void SetTrapFlag() {
    asm volatile(
        "leaq -128(%%rsp), %%rsp\n\t"
        "pushfq\n\t"
        "orq $0x100, (%%rsp)\n\t"
        "popfq\n\t"
        "leaq 128(%%rsp), %%rsp" ::
            : "memory", "cc");
  }

  static void OnStep(int /*signal*/, siginfo_t* /*info*/, void* context) {
    gregset_t& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a register holds it.
    the_steps->Walk(reinterpret_cast<void*>(registers[REG_RIP]));
    if (the_steps->ends_) registers[REG_EFL] &= ~kTrapFlag;
  }

  // What may be executed: "BEGIN-END r-xp ...".
  void ReadCode() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      const size_t dash = line.find('-');
      const size_t space = line.find(' ');
      if (line.compare(space + 1, 3, "r-x") != 0) continue;
      code_.emplace_back(std::stoull(line.substr(0, dash), nullptr, 16),
                         std::stoull(line.substr(dash + 1, space - dash - 1), nullptr, 16));
    }
  }
  bool IsCode(const void* frame) const {
    const auto address = reinterpret_cast<uintptr_t>(frame);
    for (const auto& [begin, end] : code_) {
      if (address >= begin && address < end) return true;
    }
    return false;
  }

  void Walk(void* interrupted) {
    ++steps_;
    std::array<void*, kMostFrames> frames{};
    const int count = ::backtrace(frames.data(), kMostFrames);
    int index = 0;
    while (index < count && frames[static_cast<size_t>(index)] != interrupted) ++index;
    if (index + 1 >= count) ++without_caller_;
    bool strays = count == kMostFrames || index == count;
    for (; index < count; ++index) strays |= !IsCode(frames[static_cast<size_t>(index)]);
    if (strays) ++strayed_;
  }

  static inline SingleSteps* the_steps = nullptr;

  struct sigaction previous_ {};
  std::vector<std::pair<uintptr_t, uintptr_t>> code_;
  bool ends_ = false;
  int steps_ = 0;
  int strayed_ = 0;
  int without_caller_ = 0;
};

// Each instruction of a first switch to a stack, of one back, and of one between two stacks.
TEST_F(FiberTest, ShowsNothingButCodeToWhoWalksTheFramesWithinASwitch) {
  const sys::SignalStack signal_stack;
  Part parts[2];
  Make(&parts[0], 0, [&] {
    parts[0].fiber->SwitchTo(*parts[1].fiber);
    parts[0].fiber->SwitchTo(thread_);
  });
  Make(&parts[1], 1, [&] { parts[1].fiber->SwitchTo(*parts[0].fiber); });
  SingleSteps steps;
  steps.Begin();
  thread_.SwitchTo(*parts[0].fiber);
  steps.End();
  EXPECT_GT(steps.steps(), 4 * 12) << "at least the switches";
  EXPECT_EQ(steps.strayed(), 0);
  EXPECT_GE(steps.without_caller(), 4 * 10) << "walks end within a switch";
}
#endif

TEST_F(FiberTest, HasItsOwnExceptionsInFlight) {
  std::string rethrown[2];
  Part parts[2];
  for (uint32_t i = 0; i < 2; ++i) {
    Make(&parts[i], i, [&, i] {
      try {
        try {
          throw std::runtime_error(i == 0 ? "first" : "second");
        } catch (const std::exception&) {
          parts[i].fiber->SwitchTo(thread_);
          throw;  // The one that is in flight here.
        }
      } catch (const std::exception& error) {
        rethrown[i] = error.what();
      }
    });
  }
  for (Part& part : parts) {
    thread_.SwitchTo(*part.fiber);
    EXPECT_EQ(std::current_exception(), nullptr) << "a fiber's exception leaked to the thread";
  }
  for (Part& part : parts) thread_.SwitchTo(*part.fiber);
  EXPECT_EQ(rethrown[0], "first");
  EXPECT_EQ(rethrown[1], "second");
}

struct SwitchInDestructor {
  std::function<void()> act;
  ~SwitchInDestructor() { act(); }
};

TEST_F(FiberTest, CountsUncaughtExceptionsByItself) {
  Part part;
  Make(&part, 0, [&] {
    try {
      SwitchInDestructor during{[&] {
        part.fiber->SwitchTo(thread_);
        EXPECT_EQ(std::uncaught_exceptions(), 1);
      }};
      throw std::runtime_error("unwinding");
    } catch (const std::exception&) {
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  });
  thread_.SwitchTo(*part.fiber);
  EXPECT_EQ(std::uncaught_exceptions(), 0) << "the fiber unwinds, the thread does not";
  thread_.SwitchTo(*part.fiber);
  EXPECT_TRUE(part.ended);
}

TEST_F(FiberTest, ReusesAStackOfAFiberThatWasLeftMidway) {
  for (int i = 0; i < 3; ++i) {
    Part part;
    volatile int sum = 0;
    Make(&part, 3, [&] {
      char text[4096];
      for (char& letter : text) letter = 1;
      part.fiber->SwitchTo(thread_);
      for (const char letter : text) sum = sum + letter;
    });
    thread_.SwitchTo(*part.fiber);
    if (i == 2) thread_.SwitchTo(*part.fiber);
    EXPECT_EQ(sum, i == 2 ? 4096 : 0);
  }
}

#ifndef WEFT_TEST_SANITIZED
// The volatile store keeps the compiler from making a loop of it.
int Descend(int depth) {  // NOLINT(misc-no-recursion): the test is about deep recursion.
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? frame[0] : Descend(depth - 1) + frame[0];
}

TEST_F(FiberTest, RecursionWithinTheStackIsFine) {
  Part part;
  Make(&part, 1, [] { Descend(60); });
  thread_.SwitchTo(*part.fiber);
  EXPECT_TRUE(part.ended);
}

using FiberDeathTest = FiberTest;

TEST_F(FiberDeathTest, RecursionBeyondTheStackHitsTheGuard) {
  Part part;
  Make(&part, 1, [] { Descend(1'000); });
  EXPECT_EXIT(thread_.SwitchTo(*part.fiber), testing::KilledBySignal(SIGSEGV), "");
}
#endif

}  // namespace
}  // namespace weft
