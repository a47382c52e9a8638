#include "dispatch/steering.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/manual_env.h"
#include "dispatch/absent_core.h"
#include "dispatch/printable.h"

namespace weft {
namespace {

constexpr MetricDescription kPaused = {
    "weft_handler_paused", "1 while tasks of the handler are refused and held, else 0."};
constexpr MetricDescription kDemoted = {
    "weft_handler_demoted",
    "1 while tasks of the handler go to the blocking pool because it held cores, else 0."};

}  // namespace

Refusal BudgetOutOfRange(std::string_view field, uint32_t value, uint32_t most) {
  const std::string name(field);
  return {.reason = RefusalReason::kInvalidField,
          .message = absl::StrCat(name, " is ", value, "; allowed are 1 to ", most),
          .field = name};
}

template <class Env>
Steering<Env>::Steering(Dispatcher<Env>& dispatcher, const EntryLookup& lookup,
                        std::vector<std::string> handler_names)
    : dispatcher_(dispatcher), lookup_(lookup) {
  for (std::string& name : handler_names) {
    const TaskEntry* const entry = lookup.Find(name);
    assert(entry != nullptr && entry->index == handlers_.size());
    handlers_.push_back({std::move(name), entry});
  }
  for (size_t index = 0; index < dispatcher.core_count(); ++index) {
    core_stats_.push_back(&dispatcher.core(index).stats());
  }
  if (dispatcher.has_pool()) core_stats_.push_back(&dispatcher.core(core_stats_.size()).stats());
}

// ---- Pausing.

template <class Env>
const TaskEntry* Steering<Env>::Find(std::string_view handler,
                                     std::optional<Refusal>* refusal) const {
  const TaskEntry* const entry = lookup_.Find(handler);
  if (entry != nullptr) return entry;
  const std::string_view nearest = lookup_.Nearest(handler);
  *refusal = dispatcher_.Refuse(
      {.reason = RefusalReason::kHandlerNotFound,
       .message =
           absl::StrCat("handler: there is no handler ", Quoted(handler), "; ",
                        nearest.empty() ? std::string("ListHandlers tells which there are")
                                        : absl::StrCat("did you mean ", Quoted(nearest), "?")),
       .field = "handler"});
  return nullptr;
}

template <class Env>
std::optional<Refusal> Steering<Env>::Pause(std::string_view handler, bool* changed) {
  std::optional<Refusal> refusal;
  const TaskEntry* const entry = Find(handler, &refusal);
  if (entry == nullptr) return refusal;
  *changed = !entry->paused.is_set();
  dispatcher_.Hold(*entry);
  return std::nullopt;
}

template <class Env>
std::optional<Refusal> Steering<Env>::Resume(std::string_view handler, bool* changed) {
  std::optional<Refusal> refusal;
  const TaskEntry* const entry = Find(handler, &refusal);
  if (entry == nullptr) return refusal;
  const bool was_paused = entry->paused.is_set();
  const bool was_demoted = IsDemoted(*entry);
  *changed = was_paused || was_demoted;
  if (was_demoted) entry->pooled.Set(false);
  if (was_paused) dispatcher_.Release(*entry);
  return std::nullopt;
}

// ---- Budgets.

template <class Env>
std::optional<Refusal> Steering<Env>::CheckBudget(const TurnBudget& budget) const {
  if (budget.microseconds > TurnBudget::kMostMicroseconds) {
    return BudgetOutOfRange("budget.microseconds", budget.microseconds,
                            TurnBudget::kMostMicroseconds);
  }
  if (budget.microseconds > 0) return std::nullopt;
  if (budget.polls >= 1 && budget.polls <= TurnBudget::kMostPolls) return std::nullopt;
  return BudgetOutOfRange("budget.polls", budget.polls, TurnBudget::kMostPolls);
}

template <class Env>
std::optional<Refusal> Steering<Env>::SetBudget(std::optional<uint32_t> cpu,
                                                const TurnBudget& budget,
                                                std::vector<uint32_t>* cpus) {
  if (auto refusal = CheckBudget(budget)) return dispatcher_.Refuse(*std::move(refusal));
  std::vector<int> known;
  for (size_t index = 0; index < dispatcher_.core_count(); ++index) {
    Core<Env>& core = dispatcher_.core(index);
    known.push_back(core.options().cpu);
    const auto number = static_cast<uint32_t>(known.back());
    if (cpu.has_value() && number != *cpu) continue;
    core.SetBudget(budget);
    cpus->push_back(number);
  }
  if (!cpus->empty()) return std::nullopt;
  return dispatcher_.Refuse(AbsentCore("core", *cpu, std::move(known)));
}

// ---- Looking.

template <class Env>
CoreActivity Steering<Env>::ActivityOf(uint32_t index) const {
  Core<Env>& core = dispatcher_.core(index);
  CoreActivity activity;
  activity.budget = core.budget();
  activity.idle = core.options().idle;
  activity.spin_budget_ns = core.stats().spin_budget_ns.value();
  activity.realtime = core.stats().realtime.value() != 0;
  activity.locked_bytes = static_cast<uint64_t>(core.stats().locked_bytes.value());
  const RunningHandler running = dispatcher_.Running(index);
  if (running.entry == nullptr) return activity;
  activity.running_handler = running.entry->index;
  const sys::Ticks held = core.env().Now() - running.since;
  activity.running_for_ns = core.env().anchor().TicksToNs(std::max<sys::Ticks>(held, 0));
  return activity;
}

template <class Env>
std::vector<CoreActivity> Steering<Env>::Cores() const {
  std::vector<CoreActivity> activities;
  for (uint32_t index = 0; index < dispatcher_.core_count(); ++index) {
    activities.push_back(ActivityOf(index));
  }
  return activities;
}

template <class Env>
std::vector<HandlerTotals> Steering<Env>::Handlers() const {
  std::vector<HandlerTotals> totals;
  totals.reserve(handlers_.size());
  for (size_t index = 0; index < handlers_.size(); ++index) {
    totals.push_back(SumHandler(core_stats_, index));
  }
  return totals;
}

template <class Env>
void Steering<Env>::Collect(MetricWriter& writer) const {
  for (const HandlerRow& row : handlers_) {
    writer.WriteGauge(kPaused, {{"handler", row.name}}, row.entry->paused.is_set() ? 1 : 0);
    writer.WriteGauge(kDemoted, {{"handler", row.name}}, IsDemoted(*row.entry) ? 1 : 0);
  }
}

template class Steering<sys::ProdEnv>;
template class Steering<ManualEnv>;

}  // namespace weft
