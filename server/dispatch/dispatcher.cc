#include "dispatch/dispatcher.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/manual_env.h"
#include "dispatch/dispatcher_active.h"
#include "dispatch/dispatcher_ask.h"
#include "dispatch/dispatcher_check.h"
#include "dispatch/dispatcher_forecast.h"
#include "dispatch/dispatcher_gather.h"
#include "dispatch/dispatcher_list.h"
#include "dispatch/dispatcher_report.h"
#include "dispatch/task_times.h"

// Reads as the life of a task: it begins, is asked for, ends. What is done once in a while, and
// what the statistics tell, is in dispatcher_check.h and dispatcher_report.h; what is told of many
// tasks, in dispatcher_list.h; which cores take new ones, in dispatcher_active.h; when they are
// expected to start, in dispatcher_forecast.h.

namespace weft {
namespace dispatch_internal {

// Of the cores without the pool's.
template <class Env>
std::vector<int> CpusOf(std::span<Core<Env>* const> cores) {
  std::vector<int> cpus;
  for (Core<Env>* core : cores) {
    if (!core->options().is_pool()) cpus.push_back(core->options().cpu);
  }
  return cpus;
}

template <class Env>
StallWatch::Options StallOptions(const sys::ClockAnchor& anchor, const DispatchOptions& options,
                                 std::span<Core<Env>* const> cores) {
  const CoreOptions& core = cores.front()->options();
  return {.cores = CpusOf(cores).size(),
          .threads = cores.back()->options().blocking.threads_max,
          .threshold = anchor.NsToTicks(int64_t{core.stall_threshold_ms} * 1'000'000),
          .thread_threshold = anchor.NsToTicks(options.blocking_stall_ns),
          .demote_window = anchor.NsToTicks(kDemoteWindowNs)};
}

}  // namespace dispatch_internal

template <class Env>
Dispatcher<Env>::Dispatcher(const DispatchOptions& options, std::span<Core<Env>* const> cores,
                            const EntryLookup& lookup, Env& env)
    : options_(options),
      env_(env),
      anchor_(env.anchor()),
      core_count_(static_cast<uint32_t>(dispatch_internal::CpusOf(cores).size())),
      loads_(cores.size()),
      admission_(options, dispatch_internal::CpusOf(cores), lookup),
      router_(options.max_queue_depth),
      forecast_(anchor_),
      retention_({.max_age = anchor_.NsToTicks(options.results_max_age_ns),
                  .max_count = options.results_max_count,
                  .max_bytes = options.results_max_bytes}),
      deadlines_(options.max_waiters),
      stats_(dispatch_internal::CpusOf(cores), cores.back()->options().is_pool()),
      stalls_(dispatch_internal::StallOptions(anchor_, options, cores)),
      load_watch_(core_count_, options.active_min, anchor_.NsToTicks(ActiveCores::kLookNs)) {
  assert(!cores.empty() && core_count_ >= 1 && core_count_ <= kMaxCores);
  stats_.SetActive(load_watch_.active);
  const uint64_t first_serial = FirstSerial(anchor_.unix_ns);
  const auto kept_share =
      static_cast<uint32_t>((options.results_max_count + core_count_ - 1) / core_count_);
  for (uint32_t index = 0; index < cores.size(); ++index) {
    assert(cores[index]->options().index == index);
    loads_[index].queue_depth_max =
        index < core_count_ ? options.max_queue_depth : options.blocking_queue_depth;
    sides_.push_back(std::make_unique<Side>(
        *cores[index], TaskTable::Options{.core_index = index,
                                          .slots = cores[index]->options().door_slots(),
                                          .kept = kept_share,
                                          .first_serial = first_serial}));
    // Without times there is nothing to learn; the pool's threads share what CPU others leave.
    if (options.timing_metrics && index < core_count_) {
      sides_.back()->ledger.emplace(options.max_queue_depth);
    }
  }
  if (has_pool()) sides_.back()->twins = std::make_unique<TwinEntries<Env>>();
}

template <class Env>
void Dispatcher<Env>::UseExecutors(std::span<Executor* const> executors, std::string_view name) {
  assert(executors.size() == core_count_);
  for (uint32_t core = 0; core < core_count_; ++core) {
    sides_[core]->twins = std::make_unique<TwinEntries<Env>>(*executors[core], name);
  }
}

// ---- A task begins.

template <class Env>
std::optional<Refusal> Dispatcher<Env>::Submit(const TaskSpec& spec, std::string_view field_prefix,
                                               PayloadBlock& block, const SubmitOptions& submit,
                                               Accepted* accepted) {
  Admission::Checked checked;
  if (auto refusal = admission_.CheckSpec(spec, field_prefix, &checked)) {
    return RefuseTask(std::move(*refusal));
  }
  if (checked.entry->paused.is_set()) [[unlikely]] {
    return RefuseTask(Admission::Paused(spec));
  }
  // Nothing that came before has to be over: it is posted after it was read, and so not after the
  // core's reading at its start.
  const sys::Ticks now = submit.at != 0 ? submit.at : env_.NowUnordered();
  Arrival arrival = {now, Route(spec, checked, now), checked.entry->index};
  if (auto refusal =
          admission_.CheckBounds(spec, arrival.core, loads_[arrival.core], in_flight_bytes_)) {
    if (arrival.core == core_count_) stats_.pool_refused.Count(refusal->reason);
    return RefuseTask(WithHint(spec.priority, arrival, std::move(*refusal)));
  }
  if (spec.timeout_ns > 0) {
    Arrival moved = arrival;
    if (auto refusal = CheckDeadline(spec, checked.core.has_value(), &moved)) {
      return RefuseTask(std::move(*refusal));
    }
    arrival = moved;
  }
  const AlikeTask own = {spec.payload, spec.client_tag, submit.receiver, {}};
  const Message& message = Begin(arrival, *checked.entry, spec, own, block);
  DoorTask& task = sides_[arrival.core]->table.task(message.slot);
  task.retain = submit.retain;
  if (!spec.labels.empty()) [[unlikely]]
    task.KeepLabels(spec.labels);
  CountBegun(arrival.core, 1, task.held_bytes(), block);
  accepted->id = task.id;
  accepted->submitted_at_ns = anchor_.ToUnixNs(arrival.at);
  accepted->cpu = static_cast<uint32_t>(sides_[arrival.core]->core.options().cpu);
  if (!watchers_.empty()) [[unlikely]] {
    watchers_.Tell(TaskEventKind::kAccepted,
                   dispatch_internal::WithSpec(task, Describe(arrival.core, message.slot)));
  }
  return std::nullopt;
}

template <class Env>
uint32_t Dispatcher<Env>::Route(const TaskSpec& spec, const Admission::Checked& checked,
                                sys::Ticks now) {
  std::optional<uint32_t> named = checked.core;
  // Whatever core it asks for: a thread of the pool belongs to none.
  if (checked.entry->pooled.is_set()) [[unlikely]] {
    assert(has_pool());
    named = core_count_;
  }
  if (named.has_value()) {
    if (!loads_[*named].HasRoom(spec.priority)) RefreshLoad(*named);
    return *named;
  }
  uint32_t core = Choose(spec.priority, now);
  // A handler that holds its core is not heard of by ends.
  if (load_watch_.active.count() > 1 && loads_[core].InFlight() > 0 &&
      dispatch_internal::IsLookDue(loads_[core], forecast_, now)) {
    const uint64_t ahead = loads_[core].WorkAhead(spec.priority, now);
    if (LookAgain(core, now) && loads_[core].WorkAhead(spec.priority, now) > ahead) {
      core = Choose(spec.priority, now);
    }
  }
  if (loads_[core].HasRoom(spec.priority)) return core;
  for (uint32_t index = 0; index < core_count_; ++index) RefreshLoad(index);
  // Nothing is refused that all cores together have room for.
  do {
    core = Choose(spec.priority, now);
  } while (!loads_[core].HasRoom(spec.priority) && UnparkOne(CoreChange::Cause::kNoRoom));
  return core;
}

// Whoever called for it counts it, too.
template <class Env>
Message& Dispatcher<Env>::Begin(Arrival arrival, const TaskEntry& entry, const TaskSpec& spec,
                                const AlikeTask& own, PayloadBlock& block) {
  Side& side = *sides_[arrival.core];
  const TaskTable::Claimed claimed = side.table.Claim();
  if (claimed.displaced) [[unlikely]]
    retention_.Forget(claimed.displaced_record);
  DoorTask& task = side.table.task(claimed.slot);
  sys::Ticks deadline = kNoDeadline;
  if (spec.timeout_ns > 0) {
    const sys::Ticks timeout = anchor_.NsToTicks(spec.timeout_ns);
    if (timeout < kNoDeadline - arrival.at) deadline = arrival.at + timeout;
  }
  task.client_tag = own.client_tag;
  task.submitted = arrival.at;
  task.deadline = deadline;
  task.anchor = anchor_;
  task.block = &block;
  task.entry = &entry;
  task.payload_bytes = static_cast<uint32_t>(own.payload.size());
  task.priority = spec.priority;
  task.retain = false;
  if (own.receiver != nullptr) task.waiters.Push(*own.receiver, task);
  CoreLoad& load = loads_[arrival.core];
  const auto level = static_cast<size_t>(spec.priority);
  if (side.ledger.has_value()) [[likely]] {
    const CostEstimates& costs = forecast_.costs;
    task.expected_wait = kNotForetold;
    if (spec.timeout_ns > 0 || !costs.are_short(arrival.handler) ||
        load.admitted[level] % kForetoldEvery == 0) {
      const uint64_t ahead = load.WorkAhead(spec.priority, arrival.at);
      task.expected_wait = static_cast<float>(static_cast<int64_t>(ahead));
    }
    side.ledger->Note(spec.priority, load.admitted[level], load.charged[level]);
    load.charged[level] += static_cast<uint64_t>(costs.Of(arrival.handler));
  }
  ++load.admitted[level];
  // Written where it stays: a copy reads in wide words what was just stored in narrow ones. So do
  // the deadline and the time before it, if both are read back from the task.
  Message& message = side.staged.emplace_back();
  message.id = task.id;
  message.entry = side.EntryFor(entry);
  message.payload = own.payload.data();
  message.deadline = deadline;
  message.submitted = arrival.at;
  message.payload_bytes = static_cast<uint32_t>(own.payload.size());
  message.slot = claimed.slot;
  message.kind = MessageKind::kSubmit;
  message.priority = spec.priority;
  message.io_priority = spec.io_priority;
  return message;
}

template <class Env>
inline void Dispatcher<Env>::CountBegun(uint32_t core, uint32_t count, size_t bytes,
                                        PayloadBlock& block) {
  block.Hold(count);
  in_flight_bytes_ += bytes;
  loads_[core].slots_full = sides_[core]->table.full();
  stats_.accepted.Add(count);
}

template <class Env>
Refusal Dispatcher<Env>::RefuseTask(Refusal refusal) {
  stats_.refused_tasks[static_cast<size_t>(refusal.reason)].Add();
  return Refuse(std::move(refusal));
}

template <class Env>
Refusal Dispatcher<Env>::Refuse(Refusal refusal) {
  stats_.refused[static_cast<size_t>(refusal.reason)].Add();
  if (refusal.absent_core.has_value()) {
    stats_.absent_cores.Add();
    stalls_.TellAbsentCore(*refusal.absent_core, refusal.field);
  }
  return refusal;
}

template <class Env>
void Dispatcher<Env>::Flush() {
  for (auto& side : sides_) {
    if (side->StagedCount() == 0) continue;
    side->posted += side->core.Post(std::span(side->staged).subspan(side->posted));
    if (side->StagedCount() == 0) {
      side->staged.clear();
      side->posted = 0;
    } else if (side->posted >= side->staged.size() / 2) {
      side->staged.erase(side->staged.begin(),
                         side->staged.begin() + static_cast<ptrdiff_t>(side->posted));
      side->posted = 0;
    }
  }
}

// ---- A task ends.

template <class Env>
size_t Dispatcher<Env>::Collect() {
  size_t total = 0;
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    if (!sides_[core]->core.HasCompletions()) continue;
    if (total == 0) {
      collected_at_ = env_.Now();
      window_.AdvanceTo(anchor_.ToUnixNs(collected_at_));
    }
    total += sides_[core]->core.Drain(kCollectMax, [this, core](const Completion& completion) {
      if (Gather(core, completion)) return;
      TellGathered(core);
      OnCompletion(core, completion);
    });
    TellGathered(core);
    RefreshLoad(core);
    if (dispatch_internal::IsLookDue(loads_[core], forecast_, collected_at_)) {
      LookAgain(core, collected_at_);
    }
  }
  return total;
}

template <class Env>
void Dispatcher<Env>::OnCompletion(uint32_t core, const Completion& completion) {
  const TaskTable& table = sides_[core]->table;
  const bool known =
      completion.slot < table.slots() && table.task(completion.slot).id == completion.id;
  const bool ended = completion.kind == CompletionKind::kEnded;
  if (!known || (ended && !table.task(completion.slot).live)) {
    stats_.CountViolation(Promise::kConservation);
    return;
  }
  if (ended) {
    OnEnded(core, completion);
  } else {
    OnCancelTaken(core, completion);
  }
}

template <class Env>
void Dispatcher<Env>::OnEnded(uint32_t core, const Completion& ended) {
  DoorTask& task = sides_[core]->table.task(ended.slot);
  const TaskResult result = MakeResult(core, task, ended);
  CountEnded(core, ended, result);
  if (sides_[core]->ledger.has_value() && task.expected_wait >= 0 && ended.has_begun()) {
    Learn(task, ended, result.queue_latency_ns);
  }
  Remember(core, ended.slot, result);
  if (!watchers_.empty()) [[unlikely]] {
    watchers_.Tell(TaskEventKind::kEnded, dispatch_internal::WithSpec(task, result));
  }
  while (ResultReceiver* receiver = task.waiters.Pop()) {
    deadlines_.Remove(*receiver);
    receiver->OnResult(result, /*ended=*/true);
  }
  if (ended.has_large_output) sides_[core]->core.FreeOutput(ended.slot);
  in_flight_bytes_ -= task.held_bytes();
  if (task.labels_size != 0) [[unlikely]]
    task.DropLabels();
  task.block->Release();
  task.block = nullptr;
  // A cancel on its way to the core still names the slot.
  if (!task.cancel_posted) ReleaseSlot(core, ended.slot);
}

template <class Env>
TaskResult Dispatcher<Env>::MakeResult(uint32_t core, const DoorTask& task,
                                       const Completion& ended) {
  TaskResult result;
  result.id = task.id;
  result.client_tag = task.client_tag;
  result.state = ended.state;
  result.error_code = ended.error_code;
  result.priority = task.priority;
  result.attempts = ended.has_begun() ? 1 : 0;
  result.cpu = static_cast<uint32_t>(sides_[core]->core.options().cpu);
  result.output = ended.output();
  result.error_message = ended.error_message();
  result.submitted_at_ns = task.anchor.ToUnixNs(task.submitted);
  if (!options_.timing_metrics) return result;
  TimesVerdict verdict;
  SetTimes(task, ended, &result, &verdict);
  if (verdict.clamped) stats_.clock_clamps.Add();
  if (verdict.order_broken) stats_.CountViolation(Promise::kOrder);
  if (verdict.deadline_broken) stats_.CountViolation(Promise::kDeadline);
  return result;
}

template <class Env>
void Dispatcher<Env>::CountEnded(uint32_t core, const Completion& ended, const TaskResult& result) {
  if (!IsTerminal(ended.state)) stats_.CountViolation(Promise::kOrder);
  stats_.ended[static_cast<size_t>(ended.state)].Add();
  const auto level = static_cast<size_t>(result.priority);
  CoreLoad& load = loads_[core];
  ++load.ended[level];
  if (!ended.was_started()) {
    ++load.ended_unstarted[level];
    return;
  }
  // The target is for cores: a task of the pool may block for as long as it likes.
  if (core >= core_count_) return;
  window_.Add(static_cast<uint64_t>(result.execution_latency_ns),
              ended.state == TaskState::kSucceeded);
}

// Before anybody hears of the end, so that whoever asks in that moment finds it.
template <class Env>
void Dispatcher<Env>::Remember(uint32_t core, uint32_t slot, const TaskResult& result) {
  TaskTable& table = sides_[core]->table;
  if (!table.task(slot).retain) {
    table.End(slot);
    return;
  }
  const TaskSummary task = dispatch_internal::WithSpec(table.task(slot), result);
  const size_t bytes = Retention::BytesOf(task);
  if (const auto bound = retention_.NeverFits(bytes)) {
    retention_.CountNeverKept(*bound);
    table.End(slot);
    return;
  }
  while (const auto bound = retention_.MustDrop(bytes)) Drop(*bound);
  table.EndKept(slot, retention_.Keep(task, collected_at_));
}

template <class Env>
void Dispatcher<Env>::Drop(DropBound bound) {
  const TaskId id = retention_.DropOldest(bound);
  sides_[id.core_index()]->table.Forget(id);
}

template <class Env>
void Dispatcher<Env>::OnCancelTaken(uint32_t core, const Completion& taken) {
  DoorTask& task = sides_[core]->table.task(taken.slot);
  task.cancel_posted = false;
  const TaskState state =
      taken.cancel_outcome == CancelOutcome::kCancelledQueued ? TaskState::kCancelled : taken.state;
  while (CancelReceiver* receiver = task.cancels.Pop()) {
    receiver->OnCancelled(taken.cancel_outcome, state);
  }
  // A receiver may have asked once more, of a task that still runs.
  if (!task.live && !task.cancel_posted) ReleaseSlot(core, taken.slot);
}

template <class Env>
void Dispatcher<Env>::ReleaseSlot(uint32_t core, uint32_t slot) {
  sides_[core]->table.Release(slot);
  loads_[core].slots_full = false;
}

template class Dispatcher<sys::ProdEnv>;
template class Dispatcher<ManualEnv>;

}  // namespace weft
