// Proves that a fiber goes on where it stood, with its own errno and its own exceptions in flight,
// and that one that outgrows its stack hits the guard instead of other memory.
#include "core/fiber.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/stack_pool.h"

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
