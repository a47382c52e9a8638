#include "weft/submitter.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/status_convert.h"
#include "client/submitter_engine.h"
#include "weft/stream.h"

namespace weft {
namespace {

constexpr size_t kMaxGatheredBytes = 1024 * 1024;
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

}  // namespace

TaskSubmitter::Engine::Engine(v1::TaskService::Stub* stub_in, const SubmitterOptions& options_in,
                              int64_t run_timeout_ns_in)
    : stub(stub_in), options(options_in), run_timeout_ns(run_timeout_ns_in), slots(options.window) {
  free.reserve(slots.size());
  for (size_t i = slots.size(); i > 0; --i) {
    slots[i - 1].travels_as = i - 1;
    free.push_back(static_cast<uint32_t>(i - 1));
  }
  thread = std::thread([this] { Poll(); });
}

// The thread ends once the call has, having told all that was left.
TaskSubmitter::Engine::~Engine() {
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

bool TaskSubmitter::Engine::HasRoom() const {
  return !free.empty() && static_cast<size_t>(gathered.specs_size()) < options.max_batch &&
         gathered_bytes < kMaxGatheredBytes;
}

absl::Status TaskSubmitter::Engine::Submit(v1::TaskSpec&& spec, Done&& done, bool may_wait) {
  Lock lock(mutex);
  if (!HasRoom() && (!may_wait || IsOwnThread())) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the submitter's window of ", options.window, " tasks is full"));
  }
  room.wait(lock, [this] { return HasRoom() || is_closing; });
  if (is_closing) return absl::CancelledError("the submitter is being destroyed");
  Slot& slot = slots[free.back()];
  free.pop_back();
  slot.travels_as += kOneUse;
  slot.client_tag = spec.client_tag();
  slot.is_taken = true;
  slot.done = std::move(done);
  spec.set_client_tag(slot.travels_as);
  if (gathered.specs_size() == 0) gathered_since_ns = NowNs();
  gathered_bytes += spec.payload().size();
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
  return call->on_its_way == 0 || !(is_awake || IsOwnThread()) || !HasRoom() ||
         NowNs() - gathered_since_ns >= options.max_delay_ns;
}

bool TaskSubmitter::Engine::AwaitsTime() const {
  return gathered.specs_size() > 0 && call != nullptr && call->is_started && !call->is_broken &&
         !call->is_writing;
}

void TaskSubmitter::Engine::Advance(Lock& lock) {
  while (call != nullptr && call->is_started && !call->is_broken && !call->is_writing &&
         !call->is_in_write && gathered.specs_size() > 0 && IsDue()) {
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
  gathered.Swap(&leaving);
  call->on_its_way += static_cast<size_t>(leaving.specs_size());
  call->is_writing = call->is_in_write = true;
  gathered_bytes = 0;
  room.notify_all();
  lock.unlock();
  call->stream->Write(leaving, Tag(kWritten));
  leaving.clear_specs();
  lock.lock();
  call->is_in_write = false;
}

// A wait of tens of microseconds is too short for a timer, so it is polled.
void TaskSubmitter::Engine::Poll() {
  void* tag = nullptr;
  bool ok = false;
  for (;;) {
    auto next = grpc::CompletionQueue::GOT_EVENT;
    {
      Lock lock(mutex);
      is_awake = AwaitsTime();
    }
    if (is_awake) {
      next = queue.AsyncNext(&tag, &ok, std::chrono::system_clock::time_point());
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

void TaskSubmitter::Engine::TakeRows(v1::StreamTasksResponse& rows, Lock& lock) {
  std::vector<Answer> answers;
  answers.reserve(static_cast<size_t>(rows.rows_size()));
  for (v1::StreamTasksRow& row : *rows.mutable_rows()) {
    const uint64_t index = row.client_tag() & kIndexMask;
    // A daemon that answers what was not asked.
    if (index >= slots.size() || !slots[index].is_taken ||
        slots[index].travels_as != row.client_tag()) {
      continue;
    }
    --call->on_its_way;
    Slot& slot = slots[index];
    if (row.has_status()) {
      answers.push_back({Release(slot), RowStatus(row)});
    } else {
      row.mutable_result()->set_client_tag(slot.client_tag);
      answers.push_back({Release(slot), std::move(*row.mutable_result())});
    }
  }
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

TaskSubmitter::~TaskSubmitter() = default;

absl::Status TaskSubmitter::Submit(v1::TaskSpec spec, Done done) {
  return engine_->Submit(std::move(spec), std::move(done), /*may_wait=*/true);
}

absl::Status TaskSubmitter::TrySubmit(v1::TaskSpec spec, Done done) {
  return engine_->Submit(std::move(spec), std::move(done), /*may_wait=*/false);
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
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  absl::Status submitted =
      Submit(std::move(spec), [waiting](absl::StatusOr<v1::TaskResult> result) {
        const std::lock_guard lock(waiting->mutex);
        waiting->result = std::move(result);
        waiting->told.notify_one();
      });
  if (!submitted.ok()) return submitted;
  std::unique_lock lock(waiting->mutex);
  if (!waiting->told.wait_until(lock, until, [&] { return waiting->result.has_value(); })) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer within ", timeout_ns / 1'000'000, " ms"));
  }
  return *std::move(waiting->result);
}

}  // namespace weft
