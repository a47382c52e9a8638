// That the checker itself finds what the memory model allows and no more: the classic litmus tests,
// each with the set of results that C++20 permits.

#include "checker.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "expectations.h"

namespace weft::model {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

// Runs bodies over two atomics, x and y, and collects what they put into `seen`.
struct Litmus : Scenario {
  using Body = std::function<void(Litmus&)>;
  Litmus(const std::vector<Body>& bodies, std::set<std::string>& results)
      : bodies_(bodies), results_(results) {}
  void Run(size_t thread) override { bodies_[thread](*this); }
  void Finish() override {
    std::string result;
    for (const uint32_t value : seen) result += std::to_string(value);
    results_.insert(result);
  }

  Atomic<uint32_t> x{0};
  Atomic<uint32_t> y{0};
  Cell<uint32_t> data{0};
  std::array<uint32_t, 2> seen{};

 private:
  const std::vector<Body>& bodies_;
  std::set<std::string>& results_;
};

using Results = std::set<std::string>;

Report RunLitmus(const std::vector<Litmus::Body>& bodies, Results& results) {
  const Options options{.threads = bodies.size()};
  return Explore(options, [&] { return std::make_unique<Litmus>(bodies, results); });
}

Results ResultsOf(const std::vector<Litmus::Body>& bodies) {
  Results results;
  const Report report = RunLitmus(bodies, results);
  EXPECT_EQ(report.failure, "") << report.trace;
  EXPECT_TRUE(report.complete);
  return results;
}

TEST(Checker, LetsAStorePassALaterLoad) {
  const auto side = [](Atomic<uint32_t> Litmus::*mine, Atomic<uint32_t> Litmus::*other,
                       size_t index) {
    return [=](Litmus& t) {
      (t.*mine).store(1, kRelease);
      t.seen[index] = (t.*other).load(kAcquire);
    };
  };
  EXPECT_EQ(ResultsOf({side(&Litmus::x, &Litmus::y, 0), side(&Litmus::y, &Litmus::x, 1)}),
            (Results{"00", "01", "10", "11"}));
}

TEST(Checker, OrdersAMessageByReleaseAndAcquire) {
  const auto results = [](std::memory_order publish, std::memory_order consume) {
    return ResultsOf({[=](Litmus& t) {
                        t.x.store(1, kRelaxed);
                        t.y.store(1, publish);
                      },
                      [=](Litmus& t) {
                        t.seen[0] = t.y.load(consume);
                        t.seen[1] = t.x.load(kRelaxed);
                      }});
  };
  EXPECT_EQ(results(kRelease, kAcquire), (Results{"00", "01", "11"}));
  EXPECT_EQ(results(kRelaxed, kAcquire), (Results{"00", "01", "10", "11"}));
  EXPECT_EQ(results(kRelease, kRelaxed), (Results{"00", "01", "10", "11"}));
}

TEST(Checker, NeverReadsBackwardsInOneLocation) {
  EXPECT_EQ(ResultsOf({[](Litmus& t) {
                         t.x.store(1, kRelaxed);
                         t.x.store(2, kRelaxed);
                       },
                       [](Litmus& t) {
                         t.seen[0] = t.x.load(kRelaxed);
                         t.seen[1] = t.x.load(kRelaxed);
                       }}),
            (Results{"00", "01", "02", "11", "12", "22"}));
}

TEST(Checker, LetsStoresToTwoLocationsCross) {
  const auto side = [](Atomic<uint32_t> Litmus::*first, Atomic<uint32_t> Litmus::*second) {
    return [=](Litmus& t) {
      (t.*first).store(1, kRelaxed);
      (t.*second).store(2, kRelaxed);
    };
  };
  Results results;
  const std::vector<Litmus::Body> bodies{side(&Litmus::x, &Litmus::y),
                                         side(&Litmus::y, &Litmus::x)};
  struct Crossing : Litmus {
    using Litmus::Litmus;
    void Finish() override {
      seen = {static_cast<uint32_t>(Newest(0)), static_cast<uint32_t>(Newest(1))};
      Litmus::Finish();
    }
  };
  const Report report = Explore({}, [&] { return std::make_unique<Crossing>(bodies, results); });
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(results, (Results{"11", "12", "21", "22"}));
}

TEST(Checker, CountsEveryReadModifyWriteOnce) {
  const Litmus::Body add = [](Litmus& t) { t.x.fetch_add(1, kRelaxed); };
  EXPECT_EQ(ResultsOf({add, add,
                       [](Litmus& t) {
                         t.x.fetch_add(1, kRelaxed);
                         t.seen[0] = t.x.load(kRelaxed);
                       }}),
            (Results{"10", "20", "30"}));
}

TEST(Checker, CountsDownWhatWasCountedUp) {
  const auto visit = [](size_t index) -> Litmus::Body {
    return [index](Litmus& t) {
      t.x.fetch_add(1, kRelaxed);
      t.seen[index] = t.x.fetch_sub(1, kRelaxed);
    };
  };
  EXPECT_EQ(ResultsOf({visit(0), visit(1)}), (Results{"11", "12", "21"}));
}

// Thread 0 releases, thread 1 changes the location relaxed, thread 2 acquires from that change.
Report ReleaseSequence(const Litmus::Body& change) {
  Results results;
  return RunLitmus({[](Litmus& t) {
                      t.data = 1;
                      t.x.store(1, kRelease);
                    },
                    change,
                    [](Litmus& t) {
                      if (t.x.load(kAcquire) == 2) t.seen[0] = t.data.get();
                    }},
                   results);
}

TEST(Checker, CarriesAReleaseThroughAReadModifyWriteOnly) {
  const Report carried = ReleaseSequence([](Litmus& t) {
    uint32_t one = 1;
    t.x.compare_exchange_strong(one, 2, kRelaxed, kRelaxed);
  });
  EXPECT_EQ(carried.failure, "") << carried.trace;
  const Report broken = ReleaseSequence([](Litmus& t) {
    if (t.x.load(kRelaxed) == 1) t.x.store(2, kRelaxed);
  });
  EXPECT_NE(broken.failure.find("data race"), std::string::npos);
  EXPECT_NE(broken.trace.find("store"), std::string::npos);
}

TEST(Checker, FindsADataRaceBetweenReadAndWrite) {
  Results results;
  const Report report = RunLitmus({[](Litmus& t) {
                                     t.seen[0] = t.data.get();
                                     t.x.store(1, kRelaxed);
                                   },
                                   [](Litmus& t) {
                                     if (t.x.load(kAcquire) == 1) t.data = 2;
                                   }},
                                  results);
  EXPECT_NE(report.failure.find("data race"), std::string::npos);
}

TEST(Checker, LetsAWeakCompareAndSwapFailForNothing) {
  for (const size_t failures : {size_t{0}, size_t{1}}) {
    Results results;
    const std::vector<Litmus::Body> bodies{[](Litmus& t) {
      uint32_t zero = 0;
      t.seen[0] = t.x.compare_exchange_weak(zero, 1, kRelaxed, kRelaxed) ? 1 : 0;
    }};
    const Options options{.threads = 1, .spurious_failures = failures};
    EXPECT_TRUE(
        Explore(options, [&] { return std::make_unique<Litmus>(bodies, results); }).complete);
    EXPECT_EQ(results, failures == 0 ? (Results{"10"}) : (Results{"00", "10"}));
  }
}

TEST(Checker, FindsASleepWithoutAWake) {
  Results results;
  const Litmus::Body sleep = [](Litmus& t) { t.x.Sleep(0); };
  EXPECT_NE(RunLitmus({sleep}, results).failure.find("sleeps for ever"), std::string::npos);
  // A wake before the sleep is not kept; the word must say it.
  EXPECT_NE(RunLitmus({sleep, [](Litmus& t) { t.x.Wake(); }}, results).failure, "");
  const Report report = RunLitmus({sleep,
                                   [](Litmus& t) {
                                     t.x.store(1, kRelaxed);
                                     t.x.Wake();
                                   }},
                                  results);
  EXPECT_EQ(report.failure, "") << report.trace;
}

TEST(Checker, StopsALoopThatDoesNotEnd) {
  Results results;
  const Report report = RunLitmus({[](Litmus& t) {
                                    while (t.x.load(kRelaxed) == 0) {
                                    }
                                  }},
                                  results);
  EXPECT_NE(report.failure.find("too many steps"), std::string::npos);
}

TEST(Checker, PassesOnWhatAThreadLearntFromAnother) {
  const Results results = ResultsOf({[](Litmus& t) { t.x.store(1, kRelaxed); },
                                     [](Litmus& t) {
                                       if (t.x.load(kRelaxed) == 1) t.y.store(1, kRelease);
                                     },
                                     [](Litmus& t) {
                                       t.seen[0] = t.y.load(kAcquire);
                                       t.seen[1] = t.x.load(kRelaxed);
                                     }});
  EXPECT_EQ(results, (Results{"00", "01", "11"}));
}

TEST(Checker, LosesNoResultByCutting) {
  const std::vector<Litmus::Body> bodies{[](Litmus& t) {
                                           t.x.store(1, kRelaxed);
                                           t.y.store(1, kRelease);
                                         },
                                         [](Litmus& t) {
                                           t.y.fetch_add(2, kRelaxed);
                                           t.x.store(2, kRelease);
                                           t.y.fetch_add(4, kAcquire);
                                         },
                                         [](Litmus& t) {
                                           t.seen[0] = t.y.load(kAcquire);
                                           t.seen[1] = t.x.load(kRelaxed);
                                         }};
  Results cut;
  Results whole;
  const Report with =
      Explore({.threads = 3, .cuts = true}, [&] { return std::make_unique<Litmus>(bodies, cut); });
  const Report without = Explore({.threads = 3, .cuts = false},
                                 [&] { return std::make_unique<Litmus>(bodies, whole); });
  EXPECT_EQ(cut, whole);
  EXPECT_GT(whole.size(), 10U);
  EXPECT_LT(with.executions + with.cut, without.executions);
}

TEST(Checker, SaysWhenItDidNotSeeEverything) {
  Results results;
  const Litmus::Body add = [](Litmus& t) { t.x.fetch_add(1, kRelaxed); };
  const std::vector<Litmus::Body> bodies{add, add, add};
  const Report report = Explore({.threads = 3, .executions_max = 2},
                                [&] { return std::make_unique<Litmus>(bodies, results); });
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.failure, "");
}

}  // namespace
}  // namespace weft::model
