#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "checker.h"

namespace weft::model {

// One order made relaxed, the others as they are: Weakened names which.
constexpr std::memory_order Unless(bool weakened, std::memory_order order) {
  return weakened ? std::memory_order_relaxed : order;
}

using Make = std::function<std::unique_ptr<Scenario>()>;

inline void Tell(const Report& report) {
  const std::string ending = report.failure.empty() ? "every one" : "stopped at: " + report.failure;
  std::cout << "explored " << report.executions << " executions, " << report.cut
            << " equal ones cut, " << ending << "\n";
  testing::Test::RecordProperty("executions", std::to_string(report.executions));
}

// Every execution is explored and none fails.
inline void ExpectSound(const Options& options, const Make& make) {
  const Report report = Explore(options, make);
  Tell(report);
  EXPECT_EQ(report.failure, "") << report.trace;
  EXPECT_TRUE(report.complete) << "not every execution was explored";
}

// Some execution fails, and for the reason that is expected.
inline void ExpectCaught(const Options& options, const std::string& reason, const Make& make) {
  const Report report = Explore(options, make);
  Tell(report);
  EXPECT_NE(report.failure.find(reason), std::string::npos)
      << "expected: " << reason << "\nfound: " << report.failure << "\n"
      << report.trace;
}

}  // namespace weft::model
