// What it costs to suspend a fiber and to resume it again, while 64 do so in turn.
#include <utility>  // Boost.Asio's awaitable needs it and does not include it.

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "hand_turned_core.h"
#include "pace.h"
#include "series.h"
#include "sys/clock.h"

namespace weft::bench {
namespace {

constexpr size_t kFibers = 64;

TaskOutcome YieldAgainAndAgain(void* state, TaskContext& context) {
  Pace* const pace = static_cast<Pace*>(state);
  do {
    context.Yield();
  } while (pace->Go());
  return TaskOutcome::kSucceeded;
}

// Through the ready queue of a core. Below 0 when its counters and the yields differ.
double OnCore(HandTurnedCore* core, const sys::Clock& clock, double seconds) {
  const uint64_t executed_before = core->executed();
  const uint64_t suspensions_before = core->suspensions();
  Pace pace(clock, seconds);
  TaskEntry entry;
  entry.run = &YieldAgainAndAgain;
  entry.state = &pace;
  for (size_t i = 0; i < kFibers; ++i) core->Spawn(entry);
  core->Finish();
  const double figure = pace.PerOperation();
  const bool agrees = core->executed() - executed_before == kFibers &&
                      core->suspensions() - suspensions_before == pace.done();
  return agrees ? figure : -1;
}

// Stacks that hand over to each other in a circle: a switch, and nothing that chooses the next.
class Circle {
 public:
  // reads_clock: once a switch, as a boundary between two tasks does.
  Circle(Pace* pace, bool reads_clock) : pace_(pace), reads_clock_(reads_clock) {
    for (size_t i = 0; i < kFibers; ++i) {
      stacks_[i] = allocator_.allocate();
      places_[i] =
          boost::context::detail::make_fcontext(stacks_[i].sp, stacks_[i].size, &Circle::Main);
    }
  }
  ~Circle() {
    for (auto& stack : stacks_) allocator_.deallocate(stack);
  }
  Circle(const Circle&) = delete;
  Circle& operator=(const Circle&) = delete;

  // Until the pace is over. The stacks are then left as they stand.
  void Run() { boost::context::detail::jump_fcontext(places_[0], this); }

 private:
  static void Main(boost::context::detail::transfer_t from) {
    Circle* const circle = static_cast<Circle*>(from.data);
    if (circle->home_ == nullptr) circle->home_ = from.fctx;
    circle->Go(from);
  }
  void Go(boost::context::detail::transfer_t from) {
    const size_t self = current_;
    if (self != 0) places_[self - 1] = from.fctx;
    while (pace_->Go()) {
      if (reads_clock_) clock_ = sys::ReadTicksUnordered();
      current_ = (self + 1) % kFibers;
      const auto back = boost::context::detail::jump_fcontext(places_[current_], this);
      places_[(self + kFibers - 1) % kFibers] = back.fctx;
    }
    boost::context::detail::jump_fcontext(home_, this);
  }

  Pace* const pace_;
  const bool reads_clock_;
  volatile sys::Ticks clock_ = 0;
  size_t current_ = 0;
  boost::context::fixedsize_stack allocator_{64 * 1024};
  std::array<boost::context::stack_context, kFibers> stacks_;
  std::array<boost::context::detail::fcontext_t, kFibers> places_{};
  boost::context::detail::fcontext_t home_ = nullptr;
};

double BareSwitch(const sys::Clock& clock, double seconds, bool reads_clock) {
  Pace pace(clock, seconds);
  Circle circle(&pace, reads_clock);
  circle.Run();
  return pace.PerOperation();
}

double BoostFiberYield(const sys::Clock& clock, double seconds) {
  Pace pace(clock, seconds);
  std::vector<boost::fibers::fiber> fibers;
  for (size_t i = 0; i < kFibers; ++i) {
    fibers.emplace_back([&pace] {
      do {
        boost::this_fiber::yield();
      } while (pace.Go());
    });
  }
  for (boost::fibers::fiber& fiber : fibers) fiber.join();
  return pace.PerOperation();
}

#if defined(BOOST_ASIO_HAS_CO_AWAIT)
constexpr const char* kAsioName = "Boost.Asio coroutine post";

boost::asio::awaitable<void> PostAgainAndAgain(boost::asio::io_context& context, Pace& pace) {
  do {
    co_await boost::asio::post(context, boost::asio::use_awaitable);
  } while (pace.Go());
}

double AsioPost(const sys::Clock& clock, double seconds) {
  boost::asio::io_context context(1);
  Pace pace(clock, seconds);
  for (size_t i = 0; i < kFibers; ++i) {
    boost::asio::co_spawn(context, PostAgainAndAgain(context, pace), boost::asio::detached);
  }
  context.run();
  return pace.PerOperation();
}
#else
// This compiler has no coroutines that Boost 1.74 knows.
constexpr const char* kAsioName = "Boost.Asio post of itself";

struct PostsItself {
  boost::asio::io_context* context;
  Pace* pace;
  void operator()() const {
    if (pace->Go()) boost::asio::post(*context, *this);
  }
};

double AsioPost(const sys::Clock& clock, double seconds) {
  boost::asio::io_context context(1);
  Pace pace(clock, seconds);
  for (size_t i = 0; i < kFibers; ++i) boost::asio::post(context, PostsItself{&context, &pace});
  context.run();
  return pace.PerOperation();
}
#endif

std::vector<Row> MakeRows(const Settings& settings) {
  const auto peers = [](const char* floor) {
    return SeriesOf({floor, "Boost.Fiber yield", kAsioName});
  };
  std::vector<Row> rows = {
      {"suspend_resume_64", peers("bare switch (floor)"), {.figure = 13.5}},
      {"suspend_resume_timed_64", peers("bare switch and TSC read (floor)"), {.figure = 21}}};
  for (Row& row : rows) {
    row.cpus = std::to_string(settings.near_cpu);
    row.idle = "none";
  }
  return rows;
}

}  // namespace

void MeasureSuspend(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  HandTurnedCore timed(clock, {});
  HandTurnedCore untimed(clock, {.is_timed = false});
  std::vector<Row> measured = MakeRows(settings);
  const double seconds = settings.seconds;
  if (timed.is_prepared() && untimed.is_prepared()) {
    for (int round = 0; round < settings.rounds; ++round) {
      measured[0].weft.Add(OnCore(&untimed, clock, seconds));
      measured[1].weft.Add(OnCore(&timed, clock, seconds));
      measured[0].peers[0].Add(BareSwitch(clock, seconds, false));
      measured[1].peers[0].Add(BareSwitch(clock, seconds, true));
      const double fiber = BoostFiberYield(clock, seconds);
      const double asio = AsioPost(clock, seconds);
      for (Row& row : measured) {
        row.peers[1].Add(fiber);
        row.peers[2].Add(asio);
      }
    }
  }
  for (Row& row : measured) {
    if (row.weft.empty()) {
      row.error = "the core could not be prepared";
    } else if (row.weft.Min() < 0) {
      row.error = "the core's counters and the yields differ";
    }
    rows->push_back(std::move(row));
  }
}

}  // namespace weft::bench
