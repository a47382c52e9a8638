// One task at a time from a thread to a core that spins on another CPU, and back.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/lockfree/queue.hpp>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/core.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/prod_env.h"
#include "sys/thread.h"

namespace weft::bench {
namespace {

// What the far side answers to one request, on one cache line of its own.
struct alignas(64) Answer {
  std::atomic<uint64_t> serial{0};
  sys::Ticks started = 0;
};

void Relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

void Give(Answer* answer, uint64_t serial) {
  answer->started = sys::ReadTicks();
  answer->serial.store(serial, std::memory_order_release);
}

void AwaitAnswer(const Answer& answer, uint64_t serial) {
  while (answer.serial.load(std::memory_order_acquire) != serial) Relax();
}

// Latencies of one round, in ticks.
struct Samples {
  std::vector<sys::Ticks> to_start;
  std::vector<sys::Ticks> to_completed;
};

// send(serial, submitted) hands over one request; await(serial) returns once its completion is
// here, with the time at which it started. A pause between two keeps the far side in its idle loop.
template <class Send, class Await>
Samples Sample(sys::Ticks length, const Send& send, const Await& await) {
  constexpr uint64_t kWarmUp = 2000;
  constexpr int kPauses = 20;
  Samples samples;
  const sys::Ticks began = sys::ReadTicks();
  sys::Ticks now = began;
  for (uint64_t serial = 1; now - began < length || serial < 2 * kWarmUp; ++serial) {
    for (int i = 0; i < kPauses; ++i) Relax();
    const sys::Ticks submitted = sys::ReadTicks();
    send(serial, submitted);
    const sys::Ticks started = await(serial);
    now = sys::ReadTicks();
    if (serial <= kWarmUp) continue;
    samples.to_start.push_back(started - submitted);
    samples.to_completed.push_back(now - submitted);
  }
  return samples;
}

sys::Thread StartFar(const Settings& settings, std::function<void()> body) {
  sys::ThreadOptions options;
  options.name = "bench-far";
  options.cpus = {settings.far_cpu};
  return std::move(sys::Thread::Start(options, std::move(body))).value();
}

TaskOutcome StampStart(void* state, TaskContext&) {
  *static_cast<sys::Ticks*>(state) = sys::ReadTicks();
  return TaskOutcome::kSucceeded;
}

// The core on its own thread, the handler may suspend, the drain is the Door's. Empty on failure.
Samples SampleCore(const Settings& settings, const sys::Clock& clock, sys::Ticks length) {
  struct alignas(64) {
    sys::Ticks started = 0;
  } stamp;
  Doorbell doorbell;
  TaskEntry entry;
  entry.run = &StampStart;
  entry.state = &stamp.started;
  CoreOptions options;
  options.cpu = settings.far_cpu;
  options.idle = IdlePolicy::kSpin;
  options.handler_count = 1;
  Core<sys::ProdEnv> core(options, sys::ProdEnv(clock.anchor()), doorbell);
  if (!core.Start().ok()) return {};
  uint64_t answered = 0;
  uint64_t serial_sent = 0;
  // Slots in turn, as a Door that has many tasks in flight uses them.
  const auto slot_of = [](uint64_t serial) { return static_cast<uint32_t>(serial % 64); };
  Samples samples = Sample(
      length,
      [&](uint64_t serial, sys::Ticks submitted) {
        Message message;
        message.id = TaskId::Make(0, serial);
        message.entry = &entry;
        message.submitted = submitted;
        message.slot = slot_of(serial);
        core.ClearCancel(message.slot);
        core.Post({&message, 1});
        ++serial_sent;
      },
      [&](uint64_t) {
        Completion completion;
        while (core.Drain({&completion, 1}) == 0) Relax();
        answered += completion.state == TaskState::kSucceeded ? 1 : 0;
        return stamp.started;
      });
  core.Stop();
  if (core.stats().executed.value() == answered && answered == serial_sent) return samples;
  std::fprintf(stderr, "the core's counter and the answers differ\n");
  return {};
}

Samples SampleMailbox(const Settings& settings, sys::Ticks length) {
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
      length,
      [&](uint64_t serial, sys::Ticks submitted) {
        mailbox.submitted = submitted;
        mailbox.serial.store(serial, std::memory_order_release);
      },
      [&](uint64_t serial) {
        AwaitAnswer(answer, serial);
        return answer.started;
      });
  mailbox.serial.store(UINT64_MAX, std::memory_order_release);
  return samples;
}

Samples SampleLockfree(const Settings& settings, sys::Ticks length) {
  boost::lockfree::queue<uint64_t, boost::lockfree::capacity<1024>> queue;
  Answer answer;
  sys::Thread far = StartFar(settings, [&] {
    for (uint64_t serial = 0;;) {
      while (!queue.pop(serial)) Relax();
      if (serial == UINT64_MAX) return;
      Give(&answer, serial);
    }
  });
  Samples samples = Sample(
      length, [&](uint64_t serial, sys::Ticks) { queue.push(serial); },
      [&](uint64_t serial) {
        AwaitAnswer(answer, serial);
        return answer.started;
      });
  queue.push(UINT64_MAX);
  return samples;
}

Samples SampleAsio(const Settings& settings, sys::Ticks length) {
  boost::asio::io_context context(1);
  auto work = boost::asio::make_work_guard(context);
  Answer answer;
  std::atomic<bool> stop{false};
  sys::Thread far = StartFar(settings, [&] {
    while (!stop.load(std::memory_order_acquire)) context.poll();
  });
  Samples samples = Sample(
      length,
      [&](uint64_t serial, sys::Ticks) {
        boost::asio::post(context, [&answer, serial] { Give(&answer, serial); });
      },
      [&](uint64_t serial) {
        AwaitAnswer(answer, serial);
        return answer.started;
      });
  stop.store(true, std::memory_order_release);
  return samples;
}

double Quantile(const sys::Clock& clock, std::vector<sys::Ticks>* values, double quantile) {
  auto at =
      values->begin() + static_cast<ptrdiff_t>(quantile * static_cast<double>(values->size()));
  std::nth_element(values->begin(), at, values->end());
  return static_cast<double>(clock.anchor().TicksToNs(*at * 100)) / 100;
}

enum Peer : size_t { kMailbox, kLockfree, kAsio };

}  // namespace

bool MeasureHandOver(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  const sys::Ticks length = clock.anchor().NsToTicks(static_cast<int64_t>(settings.seconds * 1e9));
  std::array<Row, 4> figures;
  const char* const names[] = {"submit_to_start_spinning_p50", "submit_to_start_spinning_p99",
                               "submit_to_completed_p50", "submit_to_completed_p99"};
  for (size_t i = 0; i < figures.size(); ++i) {
    figures[i].name = names[i];
    figures[i].cpus = std::to_string(settings.near_cpu) + "," + std::to_string(settings.far_cpu);
    figures[i].idle = "spin";
    figures[i].peers = {Series("one-line mailbox (floor)"), Series("Boost.Lockfree queue"),
                        Series("Boost.Asio post")};
  }
  const auto add = [&](Samples* samples, const auto& series_of) {
    for (size_t i = 0; i < figures.size(); ++i) {
      auto* const values = i < 2 ? &samples->to_start : &samples->to_completed;
      const double value = Quantile(clock, values, i % 2 == 0 ? 0.50 : 0.99);
      series_of(figures[i]).Add(value);
    }
  };
  for (int round = 0; round < settings.rounds; ++round) {
    Samples ours = SampleCore(settings, clock, length);
    if (ours.to_start.empty()) return false;
    add(&ours, [](Row& row) -> Series& { return row.weft; });
    Samples mailbox = SampleMailbox(settings, length);
    add(&mailbox, [](Row& row) -> Series& { return row.peers[kMailbox]; });
    add(&mailbox, [](Row& row) -> Series& { return row.floor; });
    Samples lockfree = SampleLockfree(settings, length);
    add(&lockfree, [](Row& row) -> Series& { return row.peers[kLockfree]; });
    Samples asio = SampleAsio(settings, length);
    add(&asio, [](Row& row) -> Series& { return row.peers[kAsio]; });
  }
  for (Row& row : figures) rows->push_back(std::move(row));
  return true;
}

}  // namespace weft::bench
