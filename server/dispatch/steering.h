#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/core.h"
#include "core/handler_totals.h"
#include "core/options.h"
#include "dispatch/dispatcher.h"
#include "dispatch/entry_lookup.h"
#include "metrics/metric_source.h"
#include "sys/prod_env.h"
#include "task/refusal.h"

namespace weft {

// What a core does at this moment, beside its counts.
struct CoreActivity {
  TurnBudget budget;
  IdlePolicy idle = IdlePolicy::kAdaptive;
  int64_t spin_budget_ns = 0;  // -1: without end.
  bool realtime = false;
  uint64_t locked_bytes = 0;
  std::optional<size_t> running_handler;  // By TaskEntry::index.
  int64_t running_for_ns = 0;  // With timing off at least so long: since it was first seen.
};

// What an operator sees and changes of cores and handlers while the daemon runs. Pauses and budgets
// hold until the daemon ends. Owned by the daemon. Door thread only, but Collect.
template <class Env>
class Steering final : public MetricSource {
 public:
  // dispatcher and lookup outlive this. handler_names: by TaskEntry::index, each known to lookup.
  Steering(Dispatcher<Env>& dispatcher, const EntryLookup& lookup,
           std::vector<std::string> handler_names);

  // From now on tasks of the handler are refused with kHandlerPaused, and those that are queued
  // stay so: their cores hold them when their turn comes. They count as queued, their timeouts and
  // cancels go on, and a drain waits for them until its limit. Refused with kHandlerNotFound.
  // *changed: whether it was not paused before.
  std::optional<Refusal> Pause(std::string_view handler, bool* changed);
  // Takes that back, and a demotion to the blocking pool. Held tasks go ahead of younger ones of
  // their level. Posted with the next Flush.
  std::optional<Refusal> Resume(std::string_view handler, bool* changed);
  bool paused(size_t handler) const { return handlers_[handler].entry->paused.is_set(); }
  bool blocking(size_t handler) const { return handlers_[handler].entry->blocking; }
  bool demoted(size_t handler) const { return IsDemoted(*handlers_[handler].entry); }

  // From its next turn on the core of that CPU, or every core, runs so much in a turn. *cpus: those
  // that do. Refused with kInvalidField when no core has that CPU, or the budget is out of range:
  // field "core", "budget.polls" or "budget.microseconds".
  std::optional<Refusal> SetBudget(std::optional<uint32_t> cpu, const TurnBudget& budget,
                                   std::vector<uint32_t>* cpus);

  // By core index.
  std::vector<CoreActivity> Cores() const;
  // By TaskEntry::index. Reads every histogram that is not empty.
  std::vector<HandlerTotals> Handlers() const;
  size_t handler_count() const { return handlers_.size(); }
  const std::string& handler_name(size_t handler) const { return handlers_[handler].name; }

  // Any thread.
  void Collect(MetricWriter& writer) const override;

 private:
  struct HandlerRow {
    std::string name;
    const TaskEntry* entry = nullptr;
  };

  // Held cores too often, so that its tasks go to the blocking pool for now.
  static bool IsDemoted(const TaskEntry& entry) { return entry.pooled.is_set() && !entry.blocking; }
  const TaskEntry* Find(std::string_view handler, std::optional<Refusal>* refusal) const;
  std::optional<Refusal> CheckBudget(const TurnBudget& budget) const;
  CoreActivity ActivityOf(uint32_t index) const;

  Dispatcher<Env>& dispatcher_;
  const EntryLookup& lookup_;
  std::vector<HandlerRow> handlers_;
  std::vector<const CoreStats*> core_stats_;
};

// The refusal of a budget outside 1 to most.
Refusal BudgetOutOfRange(std::string_view field, uint32_t value, uint32_t most);

using ProdSteering = Steering<sys::ProdEnv>;

extern template class Steering<sys::ProdEnv>;

}  // namespace weft
