// How many tasks a second one thread gives to one core on another CPU and takes back ended.
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <concurrentqueue/concurrentqueue.h>

#include "core/core.h"
#include "hand_over.h"
#include "pace.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/prod_env.h"
#include "tbb_far.h"

namespace weft::bench {
namespace {

constexpr size_t kBatch = 32;
constexpr uint32_t kInFlight = 1024;  // At most, of ours and of each peer.
// Between two looks at an outbox, about what one message of a stream takes the real Door. One that
// looks without a pause fetches the line that the core writes next, for each task again.
constexpr double kLookEverySeconds = 4e-6;

// The far side's: tasks run, published once a task.
struct alignas(64) Runs {
  std::atomic<uint64_t> count{0};

  void Count() {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
};

TaskOutcome CountRun(void* state, TaskContext&) {
  static_cast<Runs*>(state)->Count();
  return TaskOutcome::kSucceeded;
}

// Plays the Door: slots are claimed last in, first out, as the Door's table does. Far has a core's
// Post and Drain.
template <class Far>
class Door {
 public:
  Door(Far* far, const TaskEntry* entry) : far_(far) {
    for (uint32_t slot = kInFlight; slot-- > 0;) free_.push_back(slot);
    for (Message& message : messages_) message.entry = entry;
  }

  // So many more may be in flight.
  bool HasRoom(size_t count) const { return free_.size() >= count; }
  // Posts so many new tasks, after HasRoom.
  void Post(size_t count) {
    const sys::Ticks submitted = sys::ReadTicksUnordered();
    for (size_t i = 0; i < count; ++i) {
      Message& message = messages_[i];
      message.slot = free_.back();
      free_.pop_back();
      message.id = TaskId::Make(0, ++serial_);
      message.submitted = submitted;
    }
    // The inbox holds four times what may be in flight.
    sent_ += far_->Post({messages_.data(), count});
  }
  // Takes back all that has ended.
  void Drain() {
    size_t count = 0;
    do {
      count = far_->Drain(completions_);
      for (size_t i = 0; i < count; ++i) {
        free_.push_back(completions_[i].slot);
        succeeded_ += completions_[i].state == TaskState::kSucceeded ? 1 : 0;
      }
    } while (count == completions_.size());
  }
  bool has_in_flight() const { return free_.size() < kInFlight; }
  uint64_t sent() const { return sent_; }
  uint64_t succeeded() const { return succeeded_; }

 private:
  Far* const far_;
  std::vector<uint32_t> free_;
  std::array<Message, kBatch> messages_;
  std::array<Completion, 2 * kBatch> completions_;
  uint64_t serial_ = 0;
  uint64_t sent_ = 0;
  uint64_t succeeded_ = 0;
};

// Posts, looks and drains for the length of a round, and then until nothing is in flight. Tasks a
// second.
template <class Far>
double Drive(const Settings& settings, const sys::Clock& clock, size_t batch, Door<Far>* door) {
  const sys::Ticks length = TicksOf(clock, settings.seconds);
  const sys::Ticks look_every = TicksOf(clock, kLookEverySeconds);
  const sys::Ticks began = sys::ReadTicks();
  sys::Ticks now = began;
  sys::Ticks look_at = began;
  while ((now = sys::ReadTicks()) - began < length) {
    if (door->HasRoom(kBatch)) {
      for (size_t posted = 0; posted < kBatch; posted += batch) door->Post(batch);
    } else {
      Relax();
    }
    if (now < look_at) continue;
    door->Drain();
    look_at = now + look_every;
  }
  while (door->has_in_flight()) door->Drain();
  return static_cast<double>(door->sent()) * 1e9 / NsOf(clock, sys::ReadTicks() - began);
}

// Tasks a second; below 0 when the core's counter, the runs and the answers are not all the same.
double OnCore(const Settings& settings, const sys::Clock& clock, size_t batch, bool is_timed) {
  Runs runs;
  TaskEntry entry;
  entry.run = &CountRun;
  entry.state = &runs;
  Doorbell doorbell;
  CoreOptions options;
  options.cpu = settings.far_cpu;
  options.idle = IdlePolicy::kSpin;
  options.handler_count = 1;
  options.timing_metrics = is_timed;
  Core<sys::ProdEnv> core(options, sys::ProdEnv(clock.anchor()), doorbell);
  if (!core.Start().ok()) return -1;
  Door door(&core, &entry);
  const double rate = Drive(settings, clock, batch, &door);
  core.Stop();
  const bool agrees = door.sent() == door.succeeded() && door.sent() == runs.count.load() &&
                      door.sent() == core.stats().executed();
  return agrees ? rate : -1;
}

// The inbox and the outbox of a core, and nothing between: each message is answered by a completion
// of its slot. What the lines of memory alone cost that carry both.
class BareRings {
 public:
  size_t Post(std::span<const Message> messages) { return inbox_.Push(messages); }
  size_t Drain(std::span<Completion> out) { return outbox_.Drain(out); }

  // The far side's. Answers what there is.
  void AnswerAll() {
    while (const Message* const message = inbox_.Front()) {
      if (!outbox_.HasRoom(1)) return;
      Completion& completion = outbox_.Next();
      completion.id = message->id;
      completion.slot = message->slot;
      completion.kind = CompletionKind::kEnded;
      completion.state = TaskState::kSucceeded;
      completion.started = message->submitted;
      outbox_.Publish();
      inbox_.Pop();
    }
  }

 private:
  Inbox<> inbox_{CoreOptions().inbox_capacity};
  Outbox<> outbox_{CoreOptions().outbox_capacity};
};

double OnBareRings(const Settings& settings, const sys::Clock& clock, size_t batch) {
  BareRings rings;
  std::atomic<bool> stop{false};
  sys::Thread far = StartFar(settings, [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      rings.AnswerAll();
      Relax();
    }
  });
  Door door(&rings, nullptr);
  const double rate = Drive(settings, clock, batch, &door);
  stop.store(true, std::memory_order_relaxed);
  return rate;
}

// Tasks a second. put(count): hands over so many, each of which counts itself in runs.
template <class Put>
double RateOf(const Settings& settings, const sys::Clock& clock, const Runs& runs, size_t batch,
              const Put& put) {
  const sys::Ticks length = TicksOf(clock, settings.seconds);
  const sys::Ticks began = sys::ReadTicks();
  uint64_t sent = 0;
  while (sys::ReadTicks() - began < length) {
    const uint64_t may_be_sent = runs.count.load(std::memory_order_acquire) + kInFlight - kBatch;
    for (size_t posted = 0; posted < kBatch && sent <= may_be_sent; posted += batch) {
      put(batch);
      sent += batch;
    }
  }
  while (runs.count.load(std::memory_order_acquire) < sent) Relax();
  return static_cast<double>(sent) * 1e9 / NsOf(clock, sys::ReadTicks() - began);
}

// What a queue of plain functions holds.
struct Call {
  void (*run)(Runs*) = nullptr;
  Runs* runs = nullptr;
};

// One writer, one reader, and nothing but the functions.
class RawQueue {
 public:
  void Put(const Call& call, size_t count) {
    for (size_t i = 0; i < count; ++i) calls_[(tail_ + i) % kSize] = call;
    tail_ += count;
    published_.store(tail_, std::memory_order_release);
  }
  // Runs what there is.
  void RunAll() {
    const uint64_t tail = published_.load(std::memory_order_acquire);
    for (; head_ != tail; ++head_) {
      const Call& call = calls_[head_ % kSize];
      call.run(call.runs);
    }
  }

 private:
  static constexpr size_t kSize = 2 * kInFlight;  // More than are ever in flight.

  std::array<Call, kSize> calls_;
  alignas(64) std::atomic<uint64_t> published_{0};
  alignas(64) uint64_t tail_ = 0;
  alignas(64) uint64_t head_ = 0;
};

Call CountingCall(Runs* runs) {
  return {[](Runs* counted) { counted->Count(); }, runs};
}

double OnRawQueue(const Settings& settings, const sys::Clock& clock, size_t batch) {
  Runs runs;
  auto queue = std::make_unique<RawQueue>();
  std::atomic<bool> stop{false};
  const Call call = CountingCall(&runs);
  sys::Thread far = StartFar(settings, [&] {
    while (!stop.load(std::memory_order_relaxed)) queue->RunAll();
  });
  const double rate =
      RateOf(settings, clock, runs, batch, [&](size_t count) { queue->Put(call, count); });
  stop.store(true, std::memory_order_relaxed);
  return rate;
}

double OnMoodycamel(const Settings& settings, const sys::Clock& clock, size_t batch) {
  Runs runs;
  moodycamel::ConcurrentQueue<Call> queue(2 * kInFlight);
  const moodycamel::ProducerToken producer(queue);
  std::array<Call, kBatch> calls;
  calls.fill(CountingCall(&runs));
  std::atomic<bool> stop{false};
  sys::Thread far = StartFar(settings, [&] {
    std::array<Call, kBatch> taken;
    while (!stop.load(std::memory_order_relaxed)) {
      const size_t count =
          queue.try_dequeue_bulk_from_producer(producer, taken.begin(), taken.size());
      for (size_t i = 0; i < count; ++i) taken[i].run(taken[i].runs);
    }
  });
  const double rate = RateOf(settings, clock, runs, batch, [&](size_t count) {
    if (count == 1) {
      queue.enqueue(producer, calls[0]);
    } else {
      queue.enqueue_bulk(producer, calls.begin(), count);
    }
  });
  stop.store(true, std::memory_order_relaxed);
  return rate;
}

double OnAsio(const Settings& settings, const sys::Clock& clock, size_t batch) {
  Runs runs;
  boost::asio::io_context context(1);
  auto work = boost::asio::make_work_guard(context);
  std::atomic<bool> stop{false};
  sys::Thread far = StartFar(settings, [&] {
    while (!stop.load(std::memory_order_relaxed)) context.poll();
  });
  const double rate = RateOf(settings, clock, runs, batch, [&](size_t count) {
    for (size_t i = 0; i < count; ++i) boost::asio::post(context, [&runs] { runs.Count(); });
  });
  stop.store(true, std::memory_order_relaxed);
  return rate;
}

double OnTbb(const Settings& settings, const sys::Clock& clock, size_t batch) {
  Runs runs;
  TbbFar far(settings.far_cpu);
  return RateOf(settings, clock, runs, batch, [&](size_t count) {
    for (size_t i = 0; i < count; ++i) far.Enqueue([&runs] { runs.Count(); });
  });
}

using Measure = double (*)(const Settings& settings, const sys::Clock& clock, size_t batch);
constexpr std::array<Measure, 5> kPeers = {&OnRawQueue, &OnBareRings, &OnMoodycamel, &OnAsio,
                                           &OnTbb};

std::vector<Row> MakeRows(const Settings& settings) {
  const auto peers = [] {
    return SeriesOf({"ring of functions (floor)", "weft's two rings, nothing done",
                     "moodycamel queue of functions", "Boost.Asio post", "oneTBB enqueue"});
  };
  std::vector<Row> rows = {{"throughput_single", peers(), {.figure = 20e6}},
                           {"throughput_batch32", peers(), {.figure = 60e6}},
                           {"throughput_batch32_timed", peers(), {.figure = 40e6}}};
  for (Row& row : rows) {
    row.unit = Unit::kPerSecond;
    row.cpus = std::to_string(settings.near_cpu) + "," + std::to_string(settings.far_cpu);
    row.idle = "spin";
  }
  return rows;
}

}  // namespace

void MeasureThroughput(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  std::vector<Row> measured = MakeRows(settings);
  for (int round = 0; round < settings.rounds; ++round) {
    measured[0].weft.Add(OnCore(settings, clock, 1, true));
    measured[1].weft.Add(OnCore(settings, clock, kBatch, false));
    measured[2].weft.Add(OnCore(settings, clock, kBatch, true));
    for (size_t i = 0; i < kPeers.size(); ++i) {
      measured[0].peers[i].Add(kPeers[i](settings, clock, 1));
      const double batched = kPeers[i](settings, clock, kBatch);
      measured[1].peers[i].Add(batched);
      measured[2].peers[i].Add(batched);
    }
  }
  for (Row& row : measured) {
    if (row.weft.Min() < 0) row.error = "the core's counter, the runs and the answers differ";
    rows->push_back(std::move(row));
  }
}

}  // namespace weft::bench
