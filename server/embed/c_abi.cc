#include "embed/c_abi.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "async/spawn_family.h"
#include "async/timing.h"
#include "executor/task_io.h"

namespace weft {
namespace {

weft_code CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return WEFT_OK;
    case absl::StatusCode::kInvalidArgument:
      return WEFT_INVALID_ARGUMENT;
    case absl::StatusCode::kResourceExhausted:
      return WEFT_OUT_OF_RESOURCES;
    case absl::StatusCode::kUnavailable:
      return WEFT_STOPPED;
    case absl::StatusCode::kCancelled:
      return WEFT_CANCELLED;
    case absl::StatusCode::kDeadlineExceeded:
      return WEFT_TIMED_OUT;
    case absl::StatusCode::kUnimplemented:
      return WEFT_NOT_SUPPORTED;
    case absl::StatusCode::kInternal:
      return WEFT_TASK_FAILED;
    default:
      return WEFT_WRONG_THREAD;
  }
}

constexpr int64_t kMostNs = INT64_MAX;

int64_t ToNs(uint64_t nanoseconds) {
  return static_cast<int64_t>(std::min<uint64_t>(nanoseconds, kMostNs));
}

// The structs of the first version, which a size of 0 stands for.
constexpr size_t kFirstExecutorAttrBytes = 40;
constexpr size_t kFirstTaskAttrBytes = 32;
constexpr size_t kFirstTaskTimesBytes = 104;
constexpr size_t FirstBytes(const weft_executor_attr& /*attr*/) { return kFirstExecutorAttrBytes; }
constexpr size_t FirstBytes(const weft_task_attr& /*attr*/) { return kFirstTaskAttrBytes; }
static_assert(sizeof(weft_executor_attr) >= kFirstExecutorAttrBytes);
static_assert(sizeof(weft_task_attr) >= kFirstTaskAttrBytes);
static_assert(sizeof(weft_task_times) >= kFirstTaskTimesBytes);

// A struct of the caller's, as far as it goes; what it does not have is zero. False: it is larger
// than any we know.
template <class Attr>
bool Adopt(const Attr* given, Attr* attr) {
  *attr = Attr{};
  if (given == nullptr) return true;
  const size_t size = given->size == 0 ? FirstBytes(*given) : given->size;
  if (size < sizeof(uint32_t) || size > sizeof(Attr)) return false;
  std::memcpy(attr, given, size);
  return true;
}

std::optional<Priority> PriorityOf(uint32_t priority) {
  switch (priority) {
    case WEFT_PRIORITY_NORMAL:
      return Priority::kNormal;
    case WEFT_PRIORITY_HIGH:
      return Priority::kHigh;
    case WEFT_PRIORITY_LOW:
      return Priority::kLow;
    default:
      return std::nullopt;
  }
}

}  // namespace

weft_result ResultOf(weft_code code, std::string_view message, int64_t value) {
  weft_result result = {};
  result.code = code;
  result.value = value;
  std::memcpy(result.message, message.data(), std::min(message.size(), sizeof(result.message) - 1));
  return result;
}

weft_result ResultOf(const absl::Status& status, int64_t value) {
  if (status.ok()) return weft_success(value);
  return ResultOf(CodeOf(status), {status.message().data(), status.message().size()});
}

namespace {

weft_result NullExecutor() { return ResultOf(WEFT_NULL_EXECUTOR, "the executor is NULL"); }
weft_result NullTask() { return ResultOf(WEFT_NULL_TASK, "the task is NULL"); }
weft_result NullArgument(std::string_view name) {
  return ResultOf(WEFT_INVALID_ARGUMENT, absl::StrCat(std::string(name), ": must not be NULL"));
}
weft_result WrongNumber(std::string_view name, uint64_t value, std::string_view right) {
  return ResultOf(
      WEFT_INVALID_ARGUMENT,
      absl::StrCat(std::string(name), ": ", value, " is not right, expected ", std::string(right)));
}

// What is wrong with an option, by the name that the field has in C.
weft_result ResultOfAttr(const absl::Status& status) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"io.ring_entries", "ring_entries"}, {"io.threads", "io_threads"}};
  std::string message(status.message());
  for (const auto& [ours, in_c] : kNames) {
    if (message.rfind(ours, 0) == 0) message.replace(0, ours.size(), in_c);
  }
  return ResultOf(CodeOf(status), message);
}

absl::Status ReadAttr(const weft_executor_attr& attr, ExecutorOptions* options) {
  if (attr.tasks != 0) options->tasks = attr.tasks;
  if (attr.remote_tasks != 0) options->remote_tasks = attr.remote_tasks;
  if (attr.stacks != 0) options->stacks = attr.stacks;
  if (attr.stack_bytes != 0) options->stack_bytes = attr.stack_bytes;
  if (attr.ring_entries != 0) options->io.ring_entries = attr.ring_entries;
  if (attr.io_threads != 0) options->io.threads = attr.io_threads;
  constexpr IoChoice kBackends[] = {IoChoice::kAuto, IoChoice::kIoUring, IoChoice::kThreads};
  constexpr IdlePolicy kPolicies[] = {IdlePolicy::kAdaptive, IdlePolicy::kSpin, IdlePolicy::kSleep};
  if (attr.io_backend > WEFT_IO_THREADS) {
    return absl::InvalidArgumentError(
        absl::StrCat("io_backend: ", attr.io_backend, " is not right, expected 0 to 2"));
  }
  if (attr.idle > WEFT_IDLE_SLEEP) {
    return absl::InvalidArgumentError(
        absl::StrCat("idle: ", attr.idle, " is not right, expected 0 to 2"));
  }
  options->io.backend = kBackends[attr.io_backend];
  options->idle = kPolicies[attr.idle];
  return absl::OkStatus();
}

bool IsUnderWay(const weft_task& task) {
  return task.handle.is_attached() && !task.handle.has_ended();
}

// Whether anything of it is still looked at by others.
bool IsBusy(const weft_task& task) {
  return IsUnderWay(task) || task.awaiters.load(std::memory_order_acquire) > 0;
}

weft_result Busy() {
  return ResultOf(WEFT_BUSY, "the task has not ended, or another still waits for it");
}

// No C++ exception crosses into C: there is only the lack of memory.
template <class Call>
weft_result Guarded(Call call) {
  try {
    return call();
  } catch (const std::exception& error) {
    return ResultOf(WEFT_OUT_OF_RESOURCES, error.what());
  } catch (...) {
    return ResultOf(WEFT_OUT_OF_RESOURCES, "out of resources");
  }
}

weft_result CheckTaskAttr(const weft_task_attr& attr) {
  if (!PriorityOf(attr.cpu_priority)) {
    return WrongNumber("cpu_priority", attr.cpu_priority, "0 to 2");
  }
  if (!PriorityOf(attr.io_priority)) return WrongNumber("io_priority", attr.io_priority, "0 to 2");
  return weft_success(0);
}

// Of the task whose code this thread runs; null when it runs none, or that is suspended.
constinit thread_local const weft_context* running_here = nullptr;

// What every call from within a task begins with. Other contexts, which may be gone, are not looked
// at.
weft_result CheckContext(const weft_context* context) {
  if (context == nullptr) return ResultOf(WEFT_NULL_CONTEXT, "the context is NULL");
  if (context != running_here) {
    return ResultOf(WEFT_FOREIGN_CONTEXT, "the context is not of the task that runs here");
  }
  return weft_success(0);
}

// While the task whose context it is may be suspended. Tells its times.
class Suspension {
 public:
  explicit Suspension(const weft_context& context) : context_(context) {
    running_here = nullptr;
    context_.task->stamps.suspended = sys::ReadTicks();
  }
  ~Suspension() {
    weft_task& task = *context_.task;
    task.stamps.resumed = sys::ReadTicks();
    task.stamps.suspended_in_all += task.stamps.resumed - task.stamps.suspended;
    running_here = &context_;
  }
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

 private:
  const weft_context& context_;
};

weft_result ResultOfWait(WakeReason reason) {
  if (reason == WakeReason::kElapsed || reason == WakeReason::kWoken) return weft_success(0);
  return ResultOf(WEFT_CANCELLED, "the task was asked to stop");
}

weft_result ResultOfIo(int64_t answer) {
  if (answer >= 0) return weft_success(answer);
  if (answer == -ECANCELED) return ResultOf(WEFT_CANCELLED, "the task was asked to stop");
  if (answer == -ENOSYS) return ResultOf(WEFT_NOT_SUPPORTED, "the executor does no file I/O");
  return ResultOf(WEFT_IO_ERROR, std::strerror(static_cast<int>(-answer)), -answer);
}

// The context of a run, until the code has returned or thrown.
class OwnContext {
 public:
  OwnContext(weft_task& task, TaskContext& context) : context_{.context = &context, .task = &task} {
    running_here = &context_;
    task.stamps.begun = sys::ReadTicks();
  }
  ~OwnContext() {
    running_here = nullptr;
    context_.task->stamps.done = sys::ReadTicks();
  }
  OwnContext(const OwnContext&) = delete;
  OwnContext& operator=(const OwnContext&) = delete;

  weft_context* get() { return &context_; }

 private:
  weft_context context_;
};

void RunCode(weft_task& task, TaskContext& context) {
  OwnContext own(task, context);
  task.result = task.attr.code(own.get(), task.attr.user);
}

// While it lives the task it counts for is not destroyed, changed or attached.
class Awaiter {
 public:
  explicit Awaiter(weft_task& task) : task_(task) {
    task_.awaiters.fetch_add(1, std::memory_order_relaxed);
  }
  ~Awaiter() { task_.awaiters.fetch_sub(1, std::memory_order_release); }
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;

 private:
  weft_task& task_;
};

// The stamps of a run that begins. Unless it does, those of the run before stay, as its result
// does.
class NewStamps {
 public:
  NewStamps(weft_task& task, const sys::ClockAnchor& anchor)
      : task_(task),
        before_(std::exchange(task.stamps, {.anchor = anchor, .attached = sys::ReadTicks()})) {}
  ~NewStamps() {
    if (!kept_) task_.stamps = before_;
  }
  NewStamps(const NewStamps&) = delete;
  NewStamps& operator=(const NewStamps&) = delete;
  void Keep() { kept_ = true; }

 private:
  weft_task& task_;
  const TaskStamps before_;
  bool kept_ = false;
};

weft_result AttachTask(weft_executor& executor, weft_task& task) {
  TurnedExecutor& host = *executor.executor;
  // The code may begin on another thread before the handle is stored.
  const std::lock_guard lock(task.attaching);
  NewStamps stamps(task, host.anchor());
  auto handle = SpawnCancellable(
      host.host(), host.shutdown(), [&task](TaskContext& context) { RunCode(task, context); },
      {*PriorityOf(task.attr.cpu_priority), *PriorityOf(task.attr.io_priority)});
  if (!handle.ok()) return ResultOf(handle.status());
  stamps.Keep();
  task.handle = *std::move(handle);
  task.was_attached = true;
  return weft_success(0);
}

weft_result MakeExecutor(const ExecutorOptions& options, weft_executor** executor) {
  auto made = TurnedExecutor::Make(options);
  if (!made.ok()) {
    // A ring that is asked for and refused.
    const bool is_refused = absl::IsFailedPrecondition(made.status()) && !TaskHost::IsTurning();
    weft_result result = ResultOf(made.status());
    if (is_refused) result.code = WEFT_NOT_SUPPORTED;
    return result;
  }
  *executor = new weft_executor{*std::move(made)};
  return weft_success(0);
}

}  // namespace
}  // namespace weft

using weft::CheckContext;
using weft::NullArgument;
using weft::NullExecutor;
using weft::NullTask;
using weft::ResultOf;
using weft::Suspension;

uint32_t weft_abi_version(void) { return WEFT_ABI_VERSION; }
const char* weft_version(void) { return WEFT_VERSION; }

weft_result weft_executor_create(weft_executor** executor, const weft_executor_attr* attr) {
  if (executor == nullptr) return NullArgument("executor");
  *executor = nullptr;
  weft_executor_attr adopted;
  if (!weft::Adopt(attr, &adopted))
    return weft::WrongNumber("size", attr->size, "what this library knows");
  weft::ExecutorOptions options;
  if (const absl::Status status = weft::ReadAttr(adopted, &options); !status.ok()) {
    return ResultOf(status);
  }
  if (const absl::Status status = weft::CheckExecutorOptions(options); !status.ok()) {
    return weft::ResultOfAttr(status);
  }
  return weft::Guarded([&] { return weft::MakeExecutor(options, executor); });
}

weft_result weft_executor_destroy(weft_executor* executor) {
  if (executor == nullptr) return NullExecutor();
  const uint64_t live = executor->executor->live();
  if (live > 0) {
    return ResultOf(WEFT_BUSY, absl::StrCat(live, " tasks have not ended: quiesce it first"),
                    static_cast<int64_t>(live));
  }
  // A look for the thread's sake: nothing is there to run.
  if (const auto polled = executor->executor->PollOnce(1); !polled.ok()) {
    return ResultOf(polled.status());
  }
  delete executor;
  return weft_success(0);
}

weft_result weft_executor_run(weft_executor* executor, uint64_t max_items,
                              const struct timespec* timeout) {
  if (executor == nullptr) return NullExecutor();
  std::optional<int64_t> timeout_ns;
  if (timeout != nullptr) {
    constexpr int64_t kNsPerSecond = 1'000'000'000;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= kNsPerSecond) {
      return ResultOf(WEFT_INVALID_ARGUMENT, "timeout: expected seconds and 0 to 999999999 ns");
    }
    timeout_ns = timeout->tv_sec >= weft::kMostNs / kNsPerSecond
                     ? weft::kMostNs
                     : timeout->tv_sec * kNsPerSecond + timeout->tv_nsec;
  }
  const auto items = executor->executor->Run(max_items, timeout_ns);
  return items.ok() ? weft_success(static_cast<int64_t>(*items)) : ResultOf(items.status());
}

weft_result weft_executor_wake(weft_executor* executor) {
  if (executor == nullptr) return NullExecutor();
  executor->executor->Wake();
  return weft_success(0);
}

weft_result weft_executor_quiesce(weft_executor* executor, uint64_t timeout_ns) {
  if (executor == nullptr) return NullExecutor();
  const auto held = executor->executor->QuiesceTasks(weft::ToNs(timeout_ns));
  return held.ok() ? weft_success(static_cast<int64_t>(held->live)) : ResultOf(held.status());
}

weft_result weft_executor_live(weft_executor* executor) {
  if (executor == nullptr) return NullExecutor();
  return weft_success(static_cast<int64_t>(executor->executor->live()));
}

weft_result weft_task_create(weft_task** task, const weft_task_attr* attr) {
  if (task == nullptr) return NullArgument("task");
  *task = new (std::nothrow) weft_task;
  if (*task == nullptr) return ResultOf(WEFT_OUT_OF_RESOURCES, "no memory");
  const weft_result result = weft_task_set(*task, attr);
  if (result.code != WEFT_OK) delete std::exchange(*task, nullptr);
  return result;
}

weft_result weft_task_destroy(weft_task* task) {
  if (task == nullptr) return NullTask();
  if (weft::IsBusy(*task)) return weft::Busy();
  delete task;
  return weft_success(0);
}

weft_result weft_task_set(weft_task* task, const weft_task_attr* attr) {
  if (task == nullptr) return NullTask();
  if (weft::IsBusy(*task)) return weft::Busy();
  weft_task_attr adopted;
  if (!weft::Adopt(attr, &adopted))
    return weft::WrongNumber("size", attr->size, "what this library knows");
  const weft_result result = weft::CheckTaskAttr(adopted);
  if (result.code == WEFT_OK) task->attr = adopted;
  return result;
}

weft_result weft_task_attach(weft_executor* executor, weft_task* task) {
  if (executor == nullptr) return NullExecutor();
  if (task == nullptr) return NullTask();
  if (task->attr.code == nullptr) return NullArgument("code");
  if (weft::IsBusy(*task)) return weft::Busy();
  return weft::Guarded([&] { return weft::AttachTask(*executor, *task); });
}

weft_result weft_task_cancel(weft_task* task) {
  if (task == nullptr) return NullTask();
  const std::lock_guard lock(task->attaching);
  return weft_success(task->handle.Abort() ? 1 : 0);
}

weft_result weft_task_is_done(weft_task* task) {
  if (task == nullptr) return NullTask();
  const std::lock_guard lock(task->attaching);
  return weft_success(task->was_attached && !weft::IsUnderWay(*task) ? 1 : 0);
}

weft_result weft_task_result(weft_task* task) {
  if (task == nullptr) return NullTask();
  const std::lock_guard lock(task->attaching);
  if (!task->was_attached) return ResultOf(WEFT_NOT_ATTACHED, "the task has not been attached");
  if (weft::IsUnderWay(*task)) return ResultOf(WEFT_BUSY, "the task has not ended");
  const absl::Status end = task->handle.End();
  return end.ok() ? task->result : ResultOf(end);
}

weft_result weft_task_get_times(weft_task* task, weft_task_times* times) {
  if (task == nullptr) return NullTask();
  if (times == nullptr) return NullArgument("times");
  const uint64_t size = times->size == 0 ? weft::kFirstTaskTimesBytes : times->size;
  if (size < weft::kFirstTaskTimesBytes || size > sizeof(*times)) {
    return weft::WrongNumber("size", times->size, "what this library knows");
  }
  weft_task_times told = {.size = size};
  const weft::TaskStamps& stamps = task->stamps;
  const auto tell = [&](weft::sys::Ticks ticks, uint64_t* out_ticks, int64_t* out_ns) {
    *out_ticks = static_cast<uint64_t>(ticks);
    *out_ns = stamps.anchor.TicksToNs(ticks);
  };
  tell(stamps.attached, &told.ticks_attached, &told.ns_attached);
  tell(stamps.begun, &told.ticks_begun, &told.ns_begun);
  tell(stamps.suspended, &told.ticks_suspended, &told.ns_suspended);
  tell(stamps.resumed, &told.ticks_resumed, &told.ns_resumed);
  tell(stamps.done, &told.ticks_done, &told.ns_done);
  const weft::sys::Ticks end = stamps.done != 0 ? stamps.done : weft::sys::ReadTicks();
  const weft::sys::Ticks executing =
      stamps.begun == 0 ? 0 : end - stamps.begun - stamps.suspended_in_all;
  tell(executing, &told.ticks_executing, &told.ns_executing);
  std::memcpy(times, &told, size);
  return weft_success(0);
}

weft_task* weft_context_task(weft_context* context) {
  return context == nullptr ? nullptr : context->task;
}

weft_result weft_should_stop(weft_context* context) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  return weft_success(context->context->ShouldStop() ? 1 : 0);
}

weft_result weft_now(weft_context* context) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  return weft_success(context->context->NowNs());
}

weft_result weft_yield(weft_context* context) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  const Suspension suspension(*context);
  return weft::ResultOfWait(context->context->Yield());
}

weft_result weft_suspend_for_duration(weft_context* context, uint64_t nanoseconds) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  const Suspension suspension(*context);
  return weft::ResultOfWait(context->context->SleepFor(weft::ToNs(nanoseconds)));
}

weft_result weft_suspend_until_boot_time(weft_context* context, uint64_t nanoseconds) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  const Suspension suspension(*context);
  const weft::BootClock clock;
  return weft::ResultOfWait(
      weft::SleepUntilBoot(*context->context, clock, weft::ToNs(nanoseconds)));
}

weft_result weft_await_task(weft_context* context, weft_task* task, uint64_t timeout_ns) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  if (task == nullptr) return NullTask();
  if (task == context->task) return ResultOf(WEFT_BUSY, "a task must not wait for itself");
  if (!task->was_attached) return ResultOf(WEFT_NOT_ATTACHED, "the task has not been attached");
  const weft::Awaiter awaiter(*task);
  if (!weft::IsUnderWay(*task)) return weft_task_result(task);
  const Suspension suspension(*context);
  const int64_t now_ns = context->context->NowNs();
  const int64_t wait_ns = weft::ToNs(timeout_ns);
  const int64_t until_ns = wait_ns < weft::kNoEnd - now_ns ? now_ns + wait_ns : weft::kNoEnd;
  const absl::Status waited = task->handle.Await(*context->context, until_ns);
  if (waited.ok()) return weft_task_result(task);
  if (!absl::IsFailedPrecondition(waited)) return ResultOf(waited);
  return ResultOf(WEFT_BUSY, "somebody else waits for the task");
}

weft_result weft_read(weft_context* context, int descriptor, void* buffer, uint64_t bytes,
                      uint64_t offset) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  if (buffer == nullptr && bytes > 0) return NullArgument("buffer");
  const Suspension suspension(*context);
  weft::TaskIo io(*context->context);
  return weft::ResultOfIo(io.Read(descriptor, {static_cast<char*>(buffer), bytes}, offset));
}

weft_result weft_write(weft_context* context, int descriptor, const void* buffer, uint64_t bytes,
                       uint64_t offset) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  if (buffer == nullptr && bytes > 0) return NullArgument("buffer");
  const Suspension suspension(*context);
  weft::TaskIo io(*context->context);
  return weft::ResultOfIo(io.Write(descriptor, {static_cast<const char*>(buffer), bytes}, offset));
}

weft_result weft_fsync(weft_context* context, int descriptor) {
  if (const weft_result wrong = CheckContext(context); wrong.code != WEFT_OK) return wrong;
  const Suspension suspension(*context);
  weft::TaskIo io(*context->context);
  return weft::ResultOfIo(io.Fsync(descriptor));
}
