// One task at a time from a thread to a core that sleeps, beside other ways to wake a thread.
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "hand_over.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "tbb_far.h"

namespace weft::bench {
namespace {

constexpr uint64_t kWarmUp = 20;
// Longer than any spinning: the core's own, oneTBB's, and the kernel's before it halts a CPU.
constexpr double kRestSeconds = 400e-6;

auto RestLong(const sys::Clock& clock) {
  return [length = TicksOf(clock, kRestSeconds)] {
    const sys::Ticks began = sys::ReadTicks();
    while (sys::ReadTicks() - began < length) Relax();
  };
}

// weftd's default idle policy: arrivals so rare let it sleep. Empty when it did not sleep before
// each task, or when its counter and the answers differ.
Samples SampleCore(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  FarCore core(settings, clock, IdlePolicy::kAdaptive);
  if (!core.is_running()) return {};
  bool always_slept = true;
  Samples samples = Sample(
      length, kWarmUp, RestLong(clock),
      [&](uint64_t serial, sys::Ticks submitted) {
        always_slept &= core.is_asleep() || serial <= kWarmUp;
        core.Send(serial, submitted);
      },
      [&](uint64_t) { return core.AwaitEnd(); });
  return core.StopAndAgree() && always_slept ? samples : Samples{};
}

// sleep(serial): on the far side, until that serial was sent; false: it is to end. wake(serial).
template <class Sleep, class Wake>
Samples SampleSleeper(const Settings& settings, const sys::Clock& clock, sys::Ticks length,
                      const Sleep& sleep, const Wake& wake) {
  Answer answer;
  std::atomic<bool> stop{false};
  uint64_t sent = 0;
  sys::Thread far = StartFar(settings, [&] {
    for (uint64_t next = 1;; ++next) {
      sleep(next);
      if (stop.load(std::memory_order_acquire)) return;
      Give(&answer, next);
    }
  });
  Samples samples = Sample(
      length, kWarmUp, RestLong(clock),
      [&](uint64_t serial, sys::Ticks) {
        sent = serial;
        wake(serial);
      },
      [&](uint64_t serial) { return Await(answer, serial); });
  stop.store(true, std::memory_order_release);
  wake(sent + 1);
  return samples;
}

Samples SampleFutex(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  std::atomic<uint32_t> word{0};
  return SampleSleeper(
      settings, clock, length,
      [&word](uint64_t serial) {
        const auto before = static_cast<uint32_t>(serial - 1);
        while (word.load(std::memory_order_acquire) == before) {
          ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, before, nullptr, nullptr, 0);
        }
      },
      [&word](uint64_t serial) {
        word.store(static_cast<uint32_t>(serial), std::memory_order_release);
        ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
      });
}

Samples SampleEventfd(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  const sys::Fd event(eventfd(0, EFD_CLOEXEC));
  return SampleSleeper(
      settings, clock, length,
      [&event](uint64_t) {
        eventfd_t count = 0;
        eventfd_read(event.get(), &count);
      },
      [&event](uint64_t) { eventfd_write(event.get(), 1); });
}

Samples SampleCondition(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  std::mutex mutex;
  std::condition_variable sent;
  uint64_t newest = 0;
  return SampleSleeper(
      settings, clock, length,
      [&](uint64_t serial) {
        std::unique_lock lock(mutex);
        sent.wait(lock, [&] { return newest >= serial; });
      },
      [&](uint64_t serial) {
        {
          const std::lock_guard lock(mutex);
          newest = serial;
        }
        sent.notify_one();
      });
}

Samples SampleAsio(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  boost::asio::io_context context(1);
  auto work = boost::asio::make_work_guard(context);
  Answer answer;
  sys::Thread far = StartFar(settings, [&] { context.run(); });
  Samples samples = Sample(
      length, kWarmUp, RestLong(clock),
      [&](uint64_t serial, sys::Ticks) {
        boost::asio::post(context, [&answer, serial] { Give(&answer, serial); });
      },
      [&](uint64_t serial) { return Await(answer, serial); });
  work.reset();
  return samples;
}

Samples SampleTbb(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  TbbFar far(settings.far_cpu);
  Answer answer;
  return Sample(
      length, kWarmUp, RestLong(clock),
      [&](uint64_t serial, sys::Ticks) {
        far.Enqueue([&answer, serial] { Give(&answer, serial); });
      },
      [&](uint64_t serial) { return Await(answer, serial); });
}

using Measure = Samples (*)(const Settings& settings, const sys::Clock& clock, sys::Ticks length);
constexpr std::array<Measure, 5> kPeers = {&SampleFutex, &SampleEventfd, &SampleCondition,
                                           &SampleAsio, &SampleTbb};
constexpr size_t kEventfdPeer = 1;

std::vector<Row> MakeRows(const Settings& settings) {
  const auto peers = [] {
    return SeriesOf({"mailbox and futex (floor)", "eventfd", "condition variable",
                     "Boost.Asio post", "oneTBB enqueue"});
  };
  std::vector<Row> rows = {
      {"submit_to_start_parked_p50", peers(), {.times = 0.85, .of_peer = kEventfdPeer}},
      {"submit_to_start_parked_p99", peers(), {}}};
  for (Row& row : rows) {
    row.cpus = std::to_string(settings.near_cpu) + "," + std::to_string(settings.far_cpu);
    row.idle = "adaptive";
  }
  return rows;
}

}  // namespace

void MeasureParked(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  const sys::Ticks length = TicksOf(clock, 3 * settings.seconds);
  std::vector<Row> measured = MakeRows(settings);
  int failed = 0;
  const auto add = [&](Samples samples, const auto& series_of) {
    if (samples.to_start.empty()) return;
    series_of(measured[0]).Add(Quantile(clock, &samples.to_start, 0.50));
    series_of(measured[1]).Add(Quantile(clock, &samples.to_start, 0.99));
  };
  for (int round = 0; round < settings.rounds; ++round) {
    Samples ours = SampleCore(settings, clock, length);
    failed += ours.to_start.empty() ? 1 : 0;
    add(std::move(ours), [](Row& row) -> Series& { return row.weft; });
    for (size_t i = 0; i < kPeers.size(); ++i) {
      add(kPeers[i](settings, clock, length), [i](Row& row) -> Series& { return row.peers[i]; });
    }
  }
  for (Row& row : measured) {
    if (failed > 0) row.error = "the core did not sleep each time, or its counter differs";
    rows->push_back(std::move(row));
  }
}

}  // namespace weft::bench
