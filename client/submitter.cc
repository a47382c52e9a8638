#include "weft/submitter.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/columns.h"
#include "client/status_convert.h"
#include "client/submitter_engine.h"
#include "weft/stream.h"

namespace weft {
namespace {

constexpr size_t kMaxGatheredBytes = 1024 * 1024;
// What a row takes beside its spec, at most.
constexpr size_t kRowBytes = 16;
// gRPC's timers are rounded up by so much, at most.
constexpr int64_t kTimerNs = 2'000'000;
// Longer than anybody waits, and short enough to be added to the time.
constexpr int64_t kLongestWaitNs = int64_t{365} * 86'400'000'000'000;
constexpr uint64_t kIndexMask = 0xffff'ffff;
constexpr uint64_t kOneUse = kIndexMask + 1;

enum Event : intptr_t { kStarted = 1, kWritten, kRead, kEnded };

// A tag is only handed back, never followed.
void* Tag(Event event) {
  return reinterpret_cast<void*>(event);  // NOLINT(performance-no-int-to-ptr)
}

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::chrono::steady_clock::time_point TimeAfter(int64_t ns) {
  return std::chrono::steady_clock::now() +
         std::chrono::nanoseconds(std::clamp<int64_t>(ns, 0, kLongestWaitNs));
}

}  // namespace

TaskSubmitter::Engine::Engine(v1::TaskService::Stub* stub_in, const SubmitterOptions& options_in,
                              const ClientOptions& client)
    : stub(stub_in),
      options(options_in),
      run_timeout_ns(client.timeout_ns),
      max_message_bytes(static_cast<size_t>(client.max_message_bytes)),
      slots(options.window) {
  free.reserve(slots.size());
  for (size_t i = slots.size(); i > 0; --i) {
    slots[i - 1].travels_as = i - 1;
    free.push_back(static_cast<uint32_t>(i - 1));
  }
  thread = std::thread([this] { Poll(); });
}

void TaskSubmitter::Engine::Close() {
  {
    Lock lock(mutex);
    is_closing = true;
    room.notify_all();
    if (call != nullptr) {
      call->context.TryCancel();
      call->is_broken = true;
      Advance(lock);
    } else {
      queue.Shutdown();
    }
  }
  thread.join();
}

absl::Status TaskSubmitter::Engine::Submit(v1::TaskSpec&& spec, Done&& done, Until until) {
  const size_t bytes = spec.ByteSizeLong() + kRowBytes;
  if (bytes > max_message_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the task takes ", bytes, " bytes, more than a message may (", max_message_bytes, ")"));
  }
  Lock lock(mutex);
  const auto may_go_on = [this] { return !free.empty() || is_closing; };
  if (!may_go_on() && IsOwnThread()) until = std::chrono::steady_clock::time_point();
  if (!until.has_value()) {
    room.wait(lock, may_go_on);
  } else if (!room.wait_until(lock, *until, may_go_on)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the submitter's window of ", options.window, " tasks is full"));
  }
  if (is_closing) return absl::CancelledError("the submitter is being destroyed");
  Slot& slot = slots[free.back()];
  free.pop_back();
  slot.travels_as += kOneUse;
  slot.client_tag = spec.client_tag();
  slot.is_taken = true;
  slot.done = std::move(done);
  spec.set_client_tag(slot.travels_as);
  const bool has_place = static_cast<size_t>(gathered.specs_size()) < options.max_batch &&
                         gathered_bytes + bytes <= kMaxGatheredBytes;
  if (gathered.specs_size() > 0 && !has_place) {
    full.emplace_back().Swap(&gathered);
    gathered_bytes = 0;
  }
  if (gathered.specs_size() == 0) gathered_since_ns = NowNs();
  gathered_bytes += bytes;
  gathered.add_specs()->Swap(&spec);
  if (call == nullptr) Begin();
  Advance(lock);
  return absl::OkStatus();
}

size_t TaskSubmitter::Engine::outstanding() {
  const Lock lock(mutex);
  return slots.size() - free.size();
}

void TaskSubmitter::Engine::Begin() {
  call = std::make_unique<Call>();
  call->stream = stub->AsyncStreamTasks(&call->context, &queue, Tag(kStarted));
}

// While the thread sleeps a task waits for nobody; while it is awake it sees to it in time.
bool TaskSubmitter::Engine::IsDue() const {
  return call->on_its_way == 0 || !(is_awake || IsOwnThread()) || free.empty() || !full.empty() ||
         static_cast<size_t>(gathered.specs_size()) >= options.max_batch ||
         gathered_bytes >= kMaxGatheredBytes || NowNs() - gathered_since_ns >= options.max_delay_ns;
}

int64_t TaskSubmitter::Engine::DueIn() const {
  const bool may_write = call != nullptr && call->is_started && !call->is_broken &&
                         !call->is_writing && !call->is_in_write;
  if (!may_write || !HasGathered()) return -1;
  return std::max<int64_t>(0, gathered_since_ns + options.max_delay_ns - NowNs());
}

void TaskSubmitter::Engine::Advance(Lock& lock) {
  while (call != nullptr && call->is_started && !call->is_broken && !call->is_writing &&
         !call->is_in_write && HasGathered() && IsDue()) {
    Write(lock);
  }
  const bool is_over = call != nullptr && call->is_started && call->is_broken &&
                       !call->is_reading && !call->is_writing && !call->is_in_write;
  if (is_over && !std::exchange(call->is_ending, true)) {
    call->stream->Finish(&call->status, Tag(kEnded));
  }
}

// Without the lock, so that others gather meanwhile. The call stays: see is_in_write.
void TaskSubmitter::Engine::Write(Lock& lock) {
  if (full.empty()) {
    gathered.Swap(&leaving);
    gathered_bytes = 0;
  } else {
    full.front().Swap(&leaving);
    full.pop_front();
  }
  call->on_its_way += static_cast<size_t>(leaving.specs_size());
  call->is_writing = call->is_in_write = true;
  lock.unlock();
  PreferColumns(&leaving);
  call->stream->Write(leaving, Tag(kWritten));
  leaving.Clear();
  lock.lock();
  call->is_in_write = false;
}

// The last of a wait is polled: timers are no finer than that.
void TaskSubmitter::Engine::Poll() {
  void* tag = nullptr;
  bool ok = false;
  for (;;) {
    int64_t due_in_ns = 0;
    {
      Lock lock(mutex);
      due_in_ns = DueIn();
      is_awake = due_in_ns >= 0;
    }
    auto next = grpc::CompletionQueue::GOT_EVENT;
    if (due_in_ns >= 0) {
      const auto wait = std::chrono::nanoseconds(std::max<int64_t>(0, due_in_ns - kTimerNs));
      next = queue.AsyncNext(
          &tag, &ok,
          std::chrono::system_clock::now() +
              std::chrono::duration_cast<std::chrono::system_clock::duration>(wait));
    } else if (!queue.Next(&tag, &ok)) {
      next = grpc::CompletionQueue::SHUTDOWN;
    }
    Lock lock(mutex);
    if (next == grpc::CompletionQueue::SHUTDOWN) return;
    is_awake = true;
    if (next == grpc::CompletionQueue::GOT_EVENT) OnEvent(tag, ok, lock);
    Advance(lock);
  }
}

void TaskSubmitter::Engine::OnEvent(void* tag, bool ok, Lock& lock) {
  switch (static_cast<Event>(reinterpret_cast<intptr_t>(tag))) {
    case kStarted:
      call->is_started = true;
      call->is_broken = call->is_broken || !ok;
      if (call->is_broken) return;
      call->is_reading = true;
      call->stream->Read(&call->received, Tag(kRead));
      return;
    case kWritten:
      call->is_writing = false;
      call->is_broken = call->is_broken || !ok;
      return;
    case kRead: {
      call->is_reading = ok && !call->is_broken;
      call->is_broken = call->is_broken || !ok;
      if (!ok) return;
      v1::StreamTasksResponse rows;
      rows.Swap(&call->received);
      if (call->is_reading) call->stream->Read(&call->received, Tag(kRead));
      return TakeRows(rows, lock);
    }
    case kEnded:
      return OnEnded(lock);
  }
}

TaskSubmitter::Done TaskSubmitter::Engine::Release(Slot& slot) {
  slot.is_taken = false;
  free.push_back(static_cast<uint32_t>(slot.travels_as & kIndexMask));
  return std::exchange(slot.done, nullptr);
}

// Null: a daemon that answers what was not asked.
TaskSubmitter::Engine::Slot* TaskSubmitter::Engine::SlotOf(uint64_t travelled_as) {
  const uint64_t index = travelled_as & kIndexMask;
  if (index >= slots.size()) return nullptr;
  Slot& slot = slots[index];
  if (!slot.is_taken || slot.travels_as != travelled_as) return nullptr;
  if (call->on_its_way > 0) --call->on_its_way;
  return &slot;
}

void TaskSubmitter::Engine::TakeRows(v1::StreamTasksResponse& rows, Lock& lock) {
  std::vector<Answer> answers;
  const bool is_well_formed = IsWellFormed(rows.columns());
  answers.reserve(static_cast<size_t>(rows.rows_size()) +
                  (is_well_formed ? rows.columns().count() : 0));
  const auto take = [this, &answers](v1::TaskResult&& result, Slot& slot) {
    result.set_client_tag(slot.client_tag);
    answers.push_back({Release(slot), std::move(result)});
  };
  for (v1::StreamTasksRow& row : *rows.mutable_rows()) {
    Slot* const slot = SlotOf(row.client_tag());
    if (slot == nullptr) continue;
    if (row.has_result()) {
      take(std::move(*row.mutable_result()), *slot);
    } else {
      absl::Status refusal = RowStatus(row);
      if (refusal.ok()) refusal = absl::InternalError("the daemon's answer is empty");
      answers.push_back({Release(*slot), std::move(refusal)});
    }
  }
  if (is_well_formed) {
    ForEachResult(rows.columns(), [&](v1::TaskResult&& result) {
      Slot* const slot = SlotOf(result.client_tag());
      if (slot != nullptr) take(std::move(result), *slot);
    });
  } else {
    // What it means by them is not known.
    call->context.TryCancel();
  }
  // What has become due need not wait for the callbacks.
  Advance(lock);
  Tell(answers, lock);
}

void TaskSubmitter::Engine::OnEnded(Lock& lock) {
  absl::Status status = FromGrpcStatus(call->status);
  if (is_closing) status = absl::CancelledError("the submitter was destroyed");
  if (status.ok()) status = absl::InternalError("the stream ended with tasks unanswered");
  std::vector<Answer> answers;
  for (Slot& slot : slots) {
    if (slot.is_taken) answers.push_back({Release(slot), status});
  }
  gathered.clear_specs();
  full.clear();
  gathered_bytes = 0;
  call.reset();
  if (is_closing) queue.Shutdown();
  Tell(answers, lock);
}

// Whoever submits meanwhile need not wait for the callbacks.
void TaskSubmitter::Engine::Tell(std::vector<Answer>& answers, Lock& lock) {
  room.notify_all();
  is_awake = false;
  lock.unlock();
  for (Answer& answer : answers) answer.done(std::move(answer.result));
  answers.clear();
  lock.lock();
  is_awake = true;
}

TaskSubmitter::TaskSubmitter(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

TaskSubmitter::~TaskSubmitter() { engine_->Close(); }

absl::Status TaskSubmitter::Submit(v1::TaskSpec spec, Done done, std::optional<int64_t> wait_ns) {
  Engine::Until until;
  if (wait_ns.has_value()) until = TimeAfter(*wait_ns);
  return engine_->Submit(std::move(spec), std::move(done), until);
}

size_t TaskSubmitter::outstanding() const { return engine_->outstanding(); }

absl::StatusOr<v1::TaskResult> TaskSubmitter::Run(v1::TaskSpec spec, int64_t timeout_ns) {
  if (engine_->IsOwnThread()) {
    return absl::FailedPreconditionError("the submitter's thread would wait for itself");
  }
  // It outlives this call when the time passes first.
  struct Waiting {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<absl::StatusOr<v1::TaskResult>> result;
  };
  if (timeout_ns <= 0) timeout_ns = engine_->run_timeout_ns;
  if (spec.timeout_ns() == 0) spec.set_timeout_ns(timeout_ns);
  const auto waiting = std::make_shared<Waiting>();
  const auto until = TimeAfter(timeout_ns);
  const absl::Status submitted = engine_->Submit(
      std::move(spec),
      [waiting](absl::StatusOr<v1::TaskResult> result) {
        const std::lock_guard lock(waiting->mutex);
        waiting->result = std::move(result);
        waiting->told.notify_one();
      },
      until);
  if (absl::IsResourceExhausted(submitted)) {
    return absl::DeadlineExceededError(absl::StrCat(submitted.message(), " until the time passed"));
  }
  if (!submitted.ok()) return submitted;
  std::unique_lock lock(waiting->mutex);
  if (!waiting->told.wait_until(lock, until, [&] { return waiting->result.has_value(); })) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer within ", timeout_ns / 1'000'000, " ms"));
  }
  return *std::move(waiting->result);
}

}  // namespace weft
