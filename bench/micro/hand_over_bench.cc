// One task at a time from a thread to a core that spins on another CPU, and back; and one that is
// spawned there, of which nobody is told.
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/lockfree/queue.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <concurrentqueue/concurrentqueue.h>

#include "hand_over.h"
#include "series.h"
#include "sys/clock.h"

namespace weft::bench {
namespace {

constexpr uint64_t kWarmUp = 2000;

void RestShortly() {
  constexpr int kPauses = 20;
  for (int i = 0; i < kPauses; ++i) Relax();
}

// Empty when the core's counter and the answers differ.
Samples SampleCore(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  FarCore core(settings, clock, IdlePolicy::kSpin);
  if (!core.is_running()) return {};
  Samples samples = Sample(
      length, kWarmUp, RestShortly,
      [&](uint64_t serial, sys::Ticks submitted) { core.Send(serial, submitted); },
      [&](uint64_t) { return core.AwaitEnd(); });
  return core.StopAndAgree() ? samples : Samples{};
}

// The same of a task that is spawned from here, as one core does on another.
Samples SampleSpawn(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  FarCore core(settings, clock, IdlePolicy::kSpin);
  if (!core.is_running()) return {};
  Samples samples = Sample(
      length, kWarmUp, RestShortly, [&](uint64_t, sys::Ticks) { core.Spawn(); },
      [&](uint64_t serial) { return core.AwaitStart(serial); });
  return core.StopAndAgree() ? samples : Samples{};
}

Samples SampleMailbox(const Settings& settings, const sys::Clock&, sys::Ticks length) {
  struct alignas(64) Mailbox {
    std::atomic<uint64_t> serial{0};
    sys::Ticks submitted = 0;
  } mailbox;
  Answer answer;
  sys::Thread far = StartFar(settings, [&] {
    for (uint64_t next = 1;; ++next) {
      uint64_t seen = mailbox.serial.load(std::memory_order_acquire);
      while (seen < next) seen = mailbox.serial.load(std::memory_order_acquire);
      if (seen == UINT64_MAX) return;
      Give(&answer, next);
    }
  });
  Samples samples = Sample(
      length, kWarmUp, RestShortly,
      [&](uint64_t serial, sys::Ticks submitted) {
        mailbox.submitted = submitted;
        mailbox.serial.store(serial, std::memory_order_release);
      },
      [&](uint64_t serial) { return Await(answer, serial); });
  mailbox.serial.store(UINT64_MAX, std::memory_order_release);
  return samples;
}

// The far side takes one number after another out of a queue. take(&serial): false when empty.
template <class Put, class Take>
Samples SampleQueue(const Settings& settings, sys::Ticks length, const Put& put, const Take& take) {
  Answer answer;
  sys::Thread far = StartFar(settings, [&] {
    for (uint64_t serial = 0;;) {
      while (!take(&serial)) Relax();
      if (serial == UINT64_MAX) return;
      Give(&answer, serial);
    }
  });
  Samples samples = Sample(
      length, kWarmUp, RestShortly, [&](uint64_t serial, sys::Ticks) { put(serial); },
      [&](uint64_t serial) { return Await(answer, serial); });
  put(UINT64_MAX);
  return samples;
}

Samples SampleMoodycamel(const Settings& settings, const sys::Clock&, sys::Ticks length) {
  moodycamel::ConcurrentQueue<uint64_t> queue(1024);
  const moodycamel::ProducerToken producer(queue);
  return SampleQueue(
      settings, length, [&](uint64_t serial) { queue.enqueue(producer, serial); },
      [&](uint64_t* serial) { return queue.try_dequeue_from_producer(producer, *serial); });
}

Samples SampleLockfree(const Settings& settings, const sys::Clock&, sys::Ticks length) {
  boost::lockfree::queue<uint64_t, boost::lockfree::capacity<1024>> queue;
  return SampleQueue(
      settings, length, [&](uint64_t serial) { queue.push(serial); },
      [&](uint64_t* serial) { return queue.pop(*serial); });
}

Samples SampleAsio(const Settings& settings, const sys::Clock&, sys::Ticks length) {
  boost::asio::io_context context(1);
  auto work = boost::asio::make_work_guard(context);
  Answer answer;
  std::atomic<bool> stop{false};
  sys::Thread far = StartFar(settings, [&] {
    while (!stop.load(std::memory_order_acquire)) context.poll();
  });
  Samples samples = Sample(
      length, kWarmUp, RestShortly,
      [&](uint64_t serial, sys::Ticks) {
        boost::asio::post(context, [&answer, serial] { Give(&answer, serial); });
      },
      [&](uint64_t serial) { return Await(answer, serial); });
  stop.store(true, std::memory_order_release);
  return samples;
}

using Measure = Samples (*)(const Settings& settings, const sys::Clock& clock, sys::Ticks length);
constexpr std::array<Measure, 4> kPeers = {&SampleMailbox, &SampleMoodycamel, &SampleLockfree,
                                           &SampleAsio};

std::vector<Row> MakeRows(const Settings& settings) {
  const auto peers = [] {
    return SeriesOf({"one-line mailbox (floor)", "moodycamel queue", "Boost.Lockfree queue",
                     "Boost.Asio post"});
  };
  std::vector<Row> rows = {{"submit_to_start_spinning_p50", peers(), {.figure = 170, .times = 1.5}},
                           {"submit_to_start_spinning_p99", peers(), {.figure = 250}},
                           {"submit_to_completed_p50", peers(), {.figure = 500}},
                           {"submit_to_completed_p99", peers(), {.figure = 2000}},
                           {"spawn_on_other_core_p50", peers(), {}}};
  for (Row& row : rows) {
    row.cpus = std::to_string(settings.near_cpu) + "," + std::to_string(settings.far_cpu);
    row.idle = "spin";
  }
  return rows;
}

}  // namespace

void MeasureHandOver(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  const sys::Ticks length = TicksOf(clock, 2 * settings.seconds);
  std::vector<Row> measured = MakeRows(settings);
  int failed = 0;
  // The rows from first to before last have something to say of what was sampled.
  const auto add = [&](Samples samples, size_t first, size_t last, const auto& series_of) {
    failed += samples.to_start.empty() ? 1 : 0;
    if (samples.to_start.empty()) return;
    for (size_t i = first; i < last; ++i) {
      auto* const values = i == 2 || i == 3 ? &samples.to_completed : &samples.to_start;
      series_of(measured[i]).Add(Quantile(clock, values, i % 2 == 0 ? 0.50 : 0.99));
    }
  };
  const size_t spawn = measured.size() - 1;
  for (int round = 0; round < settings.rounds; ++round) {
    const auto ours = [](Row& row) -> Series& { return row.weft; };
    add(SampleCore(settings, clock, length), 0, spawn, ours);
    add(SampleSpawn(settings, clock, length), spawn, spawn + 1, ours);
    for (size_t i = 0; i < kPeers.size(); ++i) {
      add(kPeers[i](settings, clock, length), 0, spawn + 1,
          [i](Row& row) -> Series& { return row.peers[i]; });
    }
  }
  for (Row& row : measured) {
    if (failed > 0) row.error = "the core's counter and the answers differ";
    rows->push_back(std::move(row));
  }
}

}  // namespace weft::bench
