#include "checker.h"

#include <array>
#include <bit>
#include <cassert>
#include <cstdio>
#include <optional>
#include <vector>

#include "core/fiber.h"

namespace weft::model {
namespace {

constexpr size_t kTest = 0;  // The thread number of the test itself.
constexpr size_t kStackBytes = size_t{256} << 10;
constexpr size_t kNowhere = kLocationsMax;

using ThreadMask = uint8_t;

constexpr ThreadMask Bit(size_t thread) { return static_cast<ThreadMask>(1U << thread); }

const char* NameOf(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

// What a thread is about to do; decides whether two threads' next steps commute.
struct Step {
  size_t location = kNowhere;
  bool writes = false;
};

bool Commute(const Step& a, const Step& b) {
  return a.location != b.location || a.location == kNowhere || (!a.writes && !b.writes);
}

// A point where the execution could go more than one way, and the way it went.
struct Branch {
  bool is_turn = false;
  size_t chosen = 0;
  size_t count = 0;        // Not a turn: how many ways.
  ThreadMask enabled = 0;  // A turn: who could run,
  ThreadMask asleep = 0;   // and whose step has been explored from here already.
};

struct Event {
  size_t thread;
  const char* verb;
  size_t location;
  uint64_t value;
  const char* order;
};

class Explorer {
 public:
  Explorer(const Options& options, const std::function<std::unique_ptr<Scenario>()>& make)
      : options_(options), make_(make), memory_([this](size_t count) { return Choose(count); }) {
    for (auto& stack : stacks_) stack.reset(new std::byte[kStackBytes]);
  }

  Report Run();

  // What the operations need.
  Memory& memory() { return memory_; }
  size_t current() const { return current_; }
  void Await(const Step& step);
  void Block(size_t location);
  void WakeOne(size_t location);
  void Note(const char* verb, size_t location, uint64_t value, const char* order);
  void Fail(const char* what);
  bool MayFailForNothing() const { return spurious_ < options_.spurious_failures; }
  void CountSpurious() { ++spurious_; }

 private:
  enum class Place : uint8_t { kReady, kBlocked, kDone };
  struct Thread {
    Explorer* explorer = nullptr;
    size_t number = 0;
    std::optional<Fiber> fiber;
    Place place = Place::kReady;
    Step next;
  };

  static void ThreadMain(void* argument);
  void RunOnce();
  void StartThreads();
  bool RunThreads();
  void GoTo(size_t thread);
  size_t Choose(size_t count);
  std::optional<size_t> ChooseTurn(ThreadMask enabled);
  size_t PreferredOf(ThreadMask candidates) const;
  bool NextPath();
  std::string Trace() const;

  const Options options_;
  const std::function<std::unique_ptr<Scenario>()>& make_;
  Memory memory_;
  std::array<std::unique_ptr<std::byte[]>, kThreadsMax> stacks_;
  Fiber test_;
  std::array<Thread, kThreadsMax + 1> threads_;
  std::unique_ptr<Scenario> scenario_;
  size_t current_ = kTest;
  size_t last_turn_ = kTest;
  ThreadMask asleep_ = 0;
  size_t spurious_ = 0;
  size_t depth_ = 0;
  std::vector<Branch> path_;
  std::vector<Event> events_;
  Report report_;
};

Explorer* explorer = nullptr;  // The one that runs; Explore sets it.

Report Explorer::Run() {
  do {
    RunOnce();
    if (!report_.failure.empty()) {
      report_.trace = Trace();
      return report_;
    }
    if (report_.executions + report_.cut >= options_.executions_max) return report_;
  } while (NextPath());
  report_.complete = true;
  return report_;
}

void Explorer::RunOnce() {
  depth_ = 0;
  asleep_ = 0;
  spurious_ = 0;
  last_turn_ = kTest;
  events_.clear();
  memory_.Reset();
  scenario_ = make_();
  StartThreads();
  if (!RunThreads() || !report_.failure.empty()) return;
  for (size_t i = 1; i <= options_.threads; ++i) {
    if (threads_[i].place == Place::kBlocked) Fail("a thread sleeps for ever");
    memory_.view(kTest).Join(memory_.view(i));
  }
  ++report_.executions;
  if (report_.failure.empty()) scenario_->Finish();
}

// Each runs up to its first operation, so that every thread's next step is known at every turn.
void Explorer::StartThreads() {
  ++memory_.view(kTest).clock[kTest];
  for (size_t i = 1; i <= options_.threads; ++i) {
    Thread& thread = threads_[i];
    thread.explorer = this;
    thread.number = i;
    thread.place = Place::kReady;
    View& view = memory_.view(i);
    const uint32_t own = view.clock[i];
    view = memory_.view(kTest);
    // What the test does later is not known to the threads.
    --view.clock[kTest];
    view.clock[i] = own;
    thread.fiber.emplace(stacks_[i - 1].get(), kStackBytes, &Explorer::ThreadMain, &thread);
    GoTo(i);
  }
}

void Explorer::ThreadMain(void* argument) {
  Thread& self = *static_cast<Thread*>(argument);
  self.explorer->scenario_->Run(self.number - 1);
  self.place = Place::kDone;
  self.fiber->SwitchTo(self.explorer->test_);
}

void Explorer::GoTo(size_t thread) {
  current_ = thread;
  test_.SwitchTo(*threads_[thread].fiber);
  current_ = kTest;
}

// False: cut, or failed.
bool Explorer::RunThreads() {
  for (size_t steps = 0; report_.failure.empty(); ++steps) {
    ThreadMask enabled = 0;
    for (size_t i = 1; i <= options_.threads; ++i) {
      if (threads_[i].place == Place::kReady) enabled |= Bit(i);
    }
    if (enabled == 0) return true;
    if (steps == options_.steps_max) {
      Fail("too many steps: a loop that does not end");
      return false;
    }
    const std::optional<size_t> turn = ChooseTurn(enabled);
    if (!turn.has_value()) {
      ++report_.cut;
      return false;
    }
    last_turn_ = *turn;
    GoTo(*turn);
  }
  return false;
}

// The thread that ran last, if it is among them: short traces have few switches.
size_t Explorer::PreferredOf(ThreadMask candidates) const {
  if ((candidates & Bit(last_turn_)) != 0) return last_turn_;
  return static_cast<size_t>(std::countr_zero(candidates));
}

std::optional<size_t> Explorer::ChooseTurn(ThreadMask enabled) {
  if (depth_ == path_.size()) {
    const auto candidates = static_cast<ThreadMask>(enabled & ~asleep_);
    if (candidates == 0) return std::nullopt;
    path_.push_back({true, PreferredOf(candidates), 0, enabled, asleep_});
  }
  const Branch& branch = path_[depth_++];
  assert(branch.is_turn && branch.enabled == enabled);
  asleep_ = 0;
  for (size_t i = 1; i <= options_.threads; ++i) {
    const bool sleeps = (branch.asleep & Bit(i)) != 0;
    if (options_.cuts && sleeps && Commute(threads_[i].next, threads_[branch.chosen].next))
      asleep_ |= Bit(i);
  }
  return branch.chosen;
}

size_t Explorer::Choose(size_t count) {
  if (depth_ == path_.size()) path_.push_back({false, 0, count, 0, 0});
  const Branch& branch = path_[depth_++];
  assert(!branch.is_turn && branch.count == count);
  return branch.chosen;
}

// Turns path_ into the next one to explore. False: there is none.
bool Explorer::NextPath() {
  for (; !path_.empty(); path_.pop_back()) {
    Branch& branch = path_.back();
    if (!branch.is_turn) {
      if (++branch.chosen < branch.count) return true;
      continue;
    }
    branch.asleep |= Bit(branch.chosen);
    const auto candidates = static_cast<ThreadMask>(branch.enabled & ~branch.asleep);
    if (candidates == 0) continue;
    branch.chosen = static_cast<size_t>(std::countr_zero(candidates));
    return true;
  }
  return false;
}

void Explorer::Await(const Step& step) {
  if (current_ == kTest) return;
  Thread& self = threads_[current_];
  self.next = step;
  self.fiber->SwitchTo(test_);
}

void Explorer::Block(size_t location) {
  threads_[current_].place = Place::kBlocked;
  Await({location, false});
}

void Explorer::WakeOne(size_t location) {
  for (size_t i = 1; i <= options_.threads; ++i) {
    Thread& thread = threads_[i];
    if (thread.place != Place::kBlocked || thread.next.location != location) continue;
    thread.place = Place::kReady;
    thread.next = {};
    return;
  }
}

void Explorer::Note(const char* verb, size_t location, uint64_t value, const char* order) {
  events_.push_back({current_, verb, location, value, order});
}

// A failing thread is left where it stands: nothing here may own memory when it switches.
void Explorer::Fail(const char* what) {
  if (report_.failure.empty()) {
    report_.failure = what;
    if (current_ != kTest) report_.failure += " (thread " + std::to_string(current_ - 1) + ")";
  }
  if (current_ != kTest) threads_[current_].fiber->SwitchTo(test_);
}

std::string Explorer::Trace() const {
  std::string text;
  for (const Event& event : events_) {
    std::array<char, 128> line{};
    std::snprintf(line.data(), line.size(), "  %s%d: %-8s atomic %zu  %llu  %s\n",
                  event.thread == kTest ? "test " : "thread ", static_cast<int>(event.thread) - 1,
                  event.verb, event.location, static_cast<unsigned long long>(event.value),
                  event.order);
    text += line.data();
  }
  return text;
}

}  // namespace

Report Explore(const Options& options, const std::function<std::unique_ptr<Scenario>()>& make) {
  Explorer own(options, make);
  explorer = &own;
  Report report = own.Run();
  explorer = nullptr;
  return report;
}

void Require(bool holds, const char* what) {
  if (!holds) explorer->Fail(what);
}

Moment LastOperation() {
  const size_t thread = explorer->current();
  return {thread, explorer->memory().view(thread).clock[thread] - 1};
}

bool IsPast(Moment moment) {
  return explorer->memory().view(explorer->current()).clock[moment.thread] >= moment.clock;
}

uint64_t Newest(size_t location) { return explorer->memory().Newest(location); }

namespace operation {

size_t NewLocation(uint64_t value) {
  return explorer->memory().NewLocation(explorer->current(), value);
}

uint64_t Load(size_t location, std::memory_order order) {
  explorer->Await({location, false});
  const uint64_t value = explorer->memory().Load(explorer->current(), location, order);
  explorer->Note("load", location, value, NameOf(order));
  return value;
}

void Store(size_t location, uint64_t value, std::memory_order order) {
  explorer->Await({location, true});
  explorer->memory().Store(explorer->current(), location, value, order);
  explorer->Note("store", location, value, NameOf(order));
}

Changed Modify(size_t location, Change change) {
  explorer->Await({location, true});
  change.may_fail_spuriously = change.may_fail_spuriously && explorer->MayFailForNothing();
  const Changed changed = explorer->memory().Modify(explorer->current(), location, change);
  if (changed.spurious) explorer->CountSpurious();
  explorer->Note(changed.done ? "replace" : "not", location, changed.old_value,
                 NameOf(changed.done ? change.success : change.failure));
  if (changed.done) explorer->Note("  with", location, explorer->memory().Newest(location), "");
  return changed;
}

void Sleep(size_t location, uint64_t while_equal) {
  explorer->Await({location, false});
  const bool sleeps = explorer->memory().Newest(location) == while_equal;
  explorer->Note(sleeps ? "sleep" : "no sleep", location, while_equal, "");
  if (sleeps) explorer->Block(location);
}

void Wake(size_t location) {
  explorer->Await({location, true});
  explorer->Note("wake", location, 0, "");
  explorer->WakeOne(location);
}

void CheckRead(AccessRecord& record) {
  const size_t thread = explorer->current();
  if (!record.Read(thread, explorer->memory().view(thread))) {
    explorer->Fail("data race: a read that nothing orders after a write");
  }
}

void CheckWrite(AccessRecord& record) {
  const size_t thread = explorer->current();
  if (!record.Write(thread, explorer->memory().view(thread))) {
    explorer->Fail("data race: a write that nothing orders after another access");
  }
}

}  // namespace operation
}  // namespace weft::model
