#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/core.h"
#include "dispatch/admission.h"
#include "dispatch/core_load.h"
#include "dispatch/core_side.h"
#include "dispatch/entry_lookup.h"
#include "dispatch/execution_window.h"
#include "dispatch/gathered_ends.h"
#include "dispatch/listing.h"
#include "dispatch/load_watch.h"
#include "dispatch/options.h"
#include "dispatch/payload.h"
#include "dispatch/receiver.h"
#include "dispatch/retention.h"
#include "dispatch/router.h"
#include "dispatch/stall_watch.h"
#include "dispatch/start_forecast.h"
#include "dispatch/stats.h"
#include "dispatch/submit.h"
#include "dispatch/task_table.h"
#include "dispatch/task_watcher.h"
#include "dispatch/waiters.h"
#include "sys/clock.h"
#include "sys/prod_env.h"
#include "task/refusal.h"
#include "task/task_filter.h"
#include "task/task_spec.h"
#include "task/task_summary.h"

namespace weft {

// The life of a task outside its core: admission, ids, waiting, cancel, results, retention. Owned
// by the Door. Door thread only.
template <class Env>
class Dispatcher {
 public:
  // cores, lookup and env outlive the dispatcher. cores: one or more, each at the place its own
  // options().index says; after them the blocking pool's, if there is one. Allocates every bound.
  Dispatcher(const DispatchOptions& options, std::span<Core<Env>* const> cores,
             const EntryLookup& lookup, Env& env);

  sys::Ticks Now() { return env_.NowUnordered(); }  // For SubmitOptions::at.
  // Admits a task or refuses it; a refused one leaves nothing behind. field_prefix is where the
  // spec stands in the request, for the refusal's field path: "specs[3]". Holds block until the
  // task has ended and its result was delivered. Posted with the next Flush.
  std::optional<Refusal> Submit(const TaskSpec& spec, std::string_view field_prefix,
                                PayloadBlock& block, const SubmitOptions& submit,
                                Accepted* accepted);
  // As Submit of each, for less; spec has neither timeout nor labels. False: none was taken.
  bool SubmitAlike(const TaskSpec& spec, std::span<AlikeTask> tasks, PayloadBlock& block,
                   sys::Ticks at);

  // The task as it stands. The views of *task hold until the next call of the dispatcher.
  std::optional<Refusal> Get(TaskId id, TaskSummary* task);
  // Links receiver until the task ends or wait_ns has passed (0: OnResult within this call).
  // Absent wait_ns: limits.max_wait_s; longer ones are refused as an invalid field.
  std::optional<Refusal> Wait(TaskId id, std::optional<int64_t> wait_ns, ResultReceiver& receiver);
  // Asks a task to stop. receiver (null: nobody) hears when its core has taken note, perhaps here.
  std::optional<Refusal> Cancel(TaskId id, CancelReason reason, CancelReceiver* receiver);

  // Before List and Watch: whether there are such a handler and such a core ("filter.core").
  std::optional<Refusal> CheckFilter(const TaskFilter& filter);
  // Goes on from *cursor, which is {} at first, until lister is full, all was seen, or this call
  // has looked at its share. True when more may follow.
  bool List(const TaskFilter& filter, ListCursor* cursor, TaskLister& lister) const;
  // watcher hears of tasks until Unwatch, and the filter's views hold so long.
  void Watch(TaskWatcher& watcher, const TaskFilter& filter) { watchers_.Add(watcher, filter); }
  void Unwatch(TaskWatcher& watcher) { watchers_.Remove(watcher); }
  // The receiver is owed nothing more; harmless when it is linked nowhere.
  void Leave(ResultReceiver& receiver);
  void LeaveCancel(CancelReceiver& receiver);

  // Posts what was submitted and cancelled since the last Flush: one inbox operation a core. What
  // does not fit into a full inbox stays for the next.
  void Flush();
  // Drains every outbox, at most kCollectMax completions each, and delivers; returns how many.
  size_t Collect();
  // Ends what has elapsed, looks for stalls, checks the promises; when it wants to be called again.
  sys::Ticks Tick(sys::Ticks now);
  bool HasStaged() const;       // Does Flush still hold messages?
  bool HasCompletions() const;  // Would Collect find anything?
  bool HasOpen() const;         // As in_flight() > 0, but at once.
  void SetAnchor(const sys::ClockAnchor& anchor) { anchor_ = anchor; }  // For new tasks.

  // Takes over those of the options that may change while tasks are under way. Whatever is beyond a
  // smaller bound ends as it would have, but results, which the next Ticks drop.
  void Reconfigure(const DispatchOptions& options, uint32_t stall_threshold_ms);
  // Before Start only. Each core has its tasks run by the executor in its place, which outlives it.
  void UseExecutors(std::span<Executor* const> executors, std::string_view name);
  // Before Start only. Who hears of what it notices; outlives the dispatcher.
  void set_observer(DispatchObserver& observer) { stalls_.observer = &observer; }

  void BeginDrain() { admission_.BeginDrain(); }  // From now on Submit refuses with kDraining.
  bool draining() const { return admission_.draining(); }
  // From now on every core holds back tasks of this handler, or gives back what it held.
  void Hold(const TaskEntry& entry);
  void Release(const TaskEntry& entry);
  void CancelAll(CancelReason reason);  // Of what is in flight: the drain limit has passed.
  uint64_t in_flight() const;           // Accepted and not ended, counted from the live slots.
  // Counts a refusal, also for those above, and hands it back; a submission's as a task's, too.
  [[gnu::cold]] Refusal Refuse(Refusal refusal);
  [[gnu::cold]] Refusal RefuseTask(Refusal refusal);
  // Whether an answer of so many bytes may be held, too.
  std::optional<Refusal> CheckAnswer(size_t bytes);
  // Answers not yet read by their clients count in limits.max_in_flight_bytes, too.
  void HoldAnswer(size_t bytes) { in_flight_bytes_ += bytes; }
  void LetGoOfAnswer(size_t bytes) { in_flight_bytes_ -= bytes; }

  // By index, as given to the constructor; after the last core the blocking pool's, if there is.
  size_t core_count() const { return core_count_; }
  bool has_pool() const { return core_count_ < sides_.size(); }
  Core<Env>& core(size_t index) { return sides_[index]->core; }
  RunningHandler Running(uint32_t core);  // Not the pool's; since: StallDetector::HeldSince.

  StatsSnapshot Snapshot();
  const DispatchStats& stats() const { return stats_; }
  DoorCounters& door_counters() { return stats_.door; }
  static constexpr size_t kCollectMax = 256, kTickMax = 256;  // Ends a core; waits, or results.

 private:
  using Side = CoreSide<Env>;
  // A task begins.
  uint32_t Route(const TaskSpec& spec, const Admission::Checked& checked, sys::Ticks now);
  Message& Begin(Arrival arrival, const TaskEntry& entry, const TaskSpec& spec,
                 const AlikeTask& own, PayloadBlock& block);
  void CountBegun(uint32_t core, uint32_t count, size_t bytes, PayloadBlock& block);
  void RefreshLoad(uint32_t core);
  bool LookAgain(uint32_t core, sys::Ticks now);
  uint32_t Choose(Priority priority, sys::Ticks now);
  bool StartsInTime(const TaskSpec& spec, Arrival arrival) const;
  std::optional<Refusal> CheckDeadline(const TaskSpec& spec, bool is_named, Arrival* arrival);
  Refusal WithHint(Priority priority, Arrival arrival, Refusal refusal);
  void Learn(const DoorTask& task, const Completion& ended, int64_t waited_ns);
  // A task is asked for.
  FoundTask Find(TaskId id) const;
  Refusal NotFound(TaskId id);
  std::optional<Refusal> CheckWait(std::optional<int64_t> wait_ns);
  TaskResult Describe(uint32_t core, uint32_t slot) const;
  TaskSummary Summarize(const FoundTask& found) const;
  void PostCancel(uint32_t core, uint32_t slot, CancelReason reason);
  // A task ends.
  bool Gather(uint32_t core, const Completion& ended);
  void TellGathered(uint32_t core);
  void OnCompletion(uint32_t core, const Completion& completion);
  void OnEnded(uint32_t core, const Completion& ended);
  void OnCancelTaken(uint32_t core, const Completion& taken);
  TaskResult MakeResult(uint32_t core, const DoorTask& task, const Completion& ended);
  void CountEnded(uint32_t core, const Completion& ended, const TaskResult& result);
  void Remember(uint32_t core, uint32_t slot, const TaskResult& result);
  void ReleaseSlot(uint32_t core, uint32_t slot);
  // What Tick does.
  sys::Ticks FollowLoad(sys::Ticks now);
  void MeasureLoad(sys::Ticks now);
  bool UnparkOne(CoreChange::Cause cause);
  void TellCoreChange(uint32_t core, CoreChange::Cause cause);
  bool EndElapsedWaits(sys::Ticks now);
  bool DropOldResults(sys::Ticks now);
  void WatchForStalls(sys::Ticks now);
  void WatchThreads(sys::Ticks now);
  void MeasureRates(sys::Ticks now);
  void CheckPromises();
  void CheckCore(uint32_t core);
  void PublishGauges();
  CoreSnapshot SnapshotCore(uint32_t core);
  void Drop(DropBound bound);

  DispatchOptions options_;
  Env& env_;
  sys::ClockAnchor anchor_;
  uint32_t core_count_ = 0;
  std::vector<std::unique_ptr<Side>> sides_;  // Of each core, then the pool's.
  std::vector<CoreLoad> loads_;  // By core, beside sides_ so that the router walks one array.
  Admission admission_;
  Router router_;
  StartForecast forecast_;
  Retention retention_;
  WaitDeadlines deadlines_;
  TaskWatchers watchers_;
  ExecutionWindow window_;
  DispatchStats stats_;
  StallWatch stalls_;
  LoadWatch load_watch_;
  size_t in_flight_bytes_ = 0;
  sys::Ticks collected_at_ = 0, next_check_ = 0, rates_at_ = 0;
  GatheredEnds gathered_;
};

extern template class Dispatcher<sys::ProdEnv>;

}  // namespace weft
