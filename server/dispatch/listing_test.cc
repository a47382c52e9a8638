// What the Dispatcher tells of many tasks: listings that leave out nobody who stays and give nobody
// twice, whatever comes, ends and goes between two pages; events to those who watch; labels, kept
// and counted.
#include "dispatch/listing.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "dispatch/dispatcher_fixture.h"
#include "task/labels.h"

namespace weft {
namespace {

// Takes so many a page; remembers what it was told, with copies of the views.
class TestLister final : public TaskLister {
 public:
  explicit TestLister(size_t page_size = SIZE_MAX) : page_size_(page_size) {}

  void OnTask(const TaskSummary& task) override {
    EXPECT_FALSE(full());
    ++in_page_;
    ++times[task.result.id];
    states[task.result.id] = task.result.state;
    handlers[task.result.id] = std::string(task.handler);
    labels[task.result.id] = std::string(task.labels);
  }
  bool full() const override { return in_page_ >= page_size_; }
  void NextPage() { in_page_ = 0; }
  size_t in_page() const { return in_page_; }

  std::map<TaskId, int> times;
  std::map<TaskId, TaskState> states;
  std::map<TaskId, std::string> handlers;
  std::map<TaskId, std::string> labels;

 private:
  const size_t page_size_;
  size_t in_page_ = 0;
};

class TestWatcher final : public TaskWatcher {
 public:
  struct Event {
    TaskEventKind kind;
    TaskId id;
    TaskState state;
    std::string handler;
    std::string labels;
  };
  void OnEvent(TaskEventKind kind, const TaskSummary& task) override {
    events.push_back({kind, task.result.id, task.result.state, std::string(task.handler),
                      std::string(task.labels)});
  }
  std::vector<Event> events;
};

std::string OneLabel(std::string_view key, std::string_view value) {
  std::string labels;
  AppendLabel({.key = key, .value = value}, &labels);
  return labels;
}

class DispatcherListTest : public DispatcherFixture {
 protected:
  DispatcherListTest() { options_.results_max_count = 64; }

  TestLister ListAll(const TaskFilter& filter = {}) {
    TestLister lister;
    ListCursor cursor;
    while (dispatcher_->List(filter, &cursor, lister)) {
    }
    return lister;
  }
};

TEST_F(DispatcherListTest, FindsTasksInEveryStateWithWhatWasAskedFor) {
  Build();
  const std::string labels = OneLabel("app", "shop");
  const TaskId ended = MustSubmit({.handler = "echo", .labels = labels}, {.retain = true});
  const TaskId asleep = MustSubmit({.handler = "sleep"});
  TurnAll();
  ++now_;
  const TaskId queued = MustSubmit({.handler = "fail", .labels = labels});
  const TestLister found = ListAll();
  EXPECT_THAT(found.times,
              ::testing::UnorderedElementsAre(::testing::Pair(ended, 1), ::testing::Pair(asleep, 1),
                                              ::testing::Pair(queued, 1)));
  EXPECT_EQ(found.states.at(ended), TaskState::kSucceeded);
  EXPECT_EQ(found.states.at(asleep), TaskState::kSuspended);
  EXPECT_EQ(found.states.at(queued), TaskState::kQueued);
  EXPECT_EQ(found.handlers.at(ended), "echo");
  EXPECT_EQ(found.handlers.at(queued), "fail");
  EXPECT_EQ(found.labels.at(ended), labels);
  EXPECT_EQ(found.labels.at(queued), labels);
  EXPECT_EQ(found.labels.at(asleep), "");
}

TEST_F(DispatcherListTest, ForgetsATaskWhoseResultIsNotKept) {
  Build();
  MustSubmit({.handler = "echo"});
  EXPECT_EQ(ListAll().times.size(), 1u);
  TurnAll();
  EXPECT_TRUE(ListAll().times.empty());
}

TEST_F(DispatcherListTest, ObeysEveryPartOfTheFilter) {
  Build(/*core_count=*/2);
  const std::string labels = OneLabel("app", "shop");
  const TaskId first =
      MustSubmit({.handler = "echo", .cpu = 10, .labels = labels}, {.retain = true});
  const TaskId second = MustSubmit({.handler = "fail", .cpu = 11}, {.retain = true});
  TurnAll();
  const auto ids = [this](const TaskFilter& filter) {
    std::vector<TaskId> found;
    for (const auto& [id, times] : ListAll(filter).times) found.push_back(id);
    return found;
  };
  EXPECT_THAT(ids({}), ::testing::UnorderedElementsAre(first, second));
  EXPECT_THAT(ids({.states = TaskFilter::Bit(TaskState::kFailed)}), ::testing::ElementsAre(second));
  EXPECT_THAT(ids({.handler = "echo"}), ::testing::ElementsAre(first));
  EXPECT_THAT(ids({.cpu = 11}), ::testing::ElementsAre(second));
  EXPECT_THAT(ids({.labels = labels}), ::testing::ElementsAre(first));
  EXPECT_THAT(ids({.handler = "fail", .labels = labels}), ::testing::IsEmpty());
}

TEST_F(DispatcherListTest, RefusesAFilterThatCanFindNothing) {
  Build();
  EXPECT_FALSE(dispatcher_->CheckFilter({.handler = "echo", .cpu = 10}));
  const auto handler = dispatcher_->CheckFilter({.handler = "ecko"});
  ASSERT_TRUE(handler);
  EXPECT_EQ(handler->reason, RefusalReason::kUnknownHandler);
  EXPECT_EQ(handler->field, "filter.handler");
  const auto core = dispatcher_->CheckFilter({.cpu = 12});
  ASSERT_TRUE(core);
  EXPECT_EQ(core->field, "filter.core");
}

TEST_F(DispatcherListTest, LooksAtABoundedNumberOfPlacesACall) {
  options_.results_max_count = kListEntriesMax;
  Build();
  const TaskId old = MustSubmit({.handler = "sleep"});
  // A lap of the directory later the task is far behind the newest place.
  for (size_t i = 0; i < kListEntriesMax + 100; ++i) {
    MustSubmit({.handler = "echo"});
    TurnAll();
  }
  TestLister lister;
  ListCursor cursor;
  EXPECT_TRUE(dispatcher_->List({}, &cursor, lister));
  EXPECT_TRUE(lister.times.empty());
  EXPECT_EQ(cursor.done, kListEntriesMax);
  while (dispatcher_->List({}, &cursor, lister)) {
  }
  EXPECT_EQ(lister.times, (std::map<TaskId, int>{{old, 1}}));
}

// Whoever is there from the first page to the last is met exactly once; nobody is met twice.
class ListingProperty : public DispatcherListTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  void Step(std::mt19937& random) {
    switch (random() % 6) {
      case 0:
      case 1:
        (void)Submit({.handler = random() % 2 == 0 ? "echo" : "sleep"},
                     {.retain = random() % 4 != 0});
        break;
      case 2:
        TurnAll();
        break;
      case 3:
        now_ += static_cast<sys::Ticks>(random() % 2'000'000);
        dispatcher_->Tick(now_);
        break;
      default:
        (void)dispatcher_->Cancel(TaskId(accepted_.id), CancelReason::kClient, nullptr);
    }
  }
  std::set<TaskId> Ids() {
    std::set<TaskId> ids;
    for (const auto& [id, times] : ListAll().times) ids.insert(id);
    return ids;
  }
};

TEST_P(ListingProperty, MeetsWhoeverStaysExactlyOnce) {
  options_.results_max_count = 24;
  options_.results_max_age_ns = 40'000'000;
  options_.max_queue_depth = 12;
  Build(/*core_count=*/3, /*stacks=*/8);
  std::mt19937 random(GetParam());
  for (int i = 0; i < 60; ++i) Step(random);
  for (int listing = 0; listing < 40; ++listing) {
    // Of those that were there at the begin, the ones that are still there at each page.
    std::set<TaskId> stayed = Ids();
    TestLister lister(1 + random() % 7);
    ListCursor cursor;
    while (dispatcher_->List({}, &cursor, lister)) {
      lister.NextPage();
      for (unsigned i = random() % 4; i > 0; --i) Step(random);
      const std::set<TaskId> present = Ids();
      std::erase_if(stayed, [&present](TaskId id) { return !present.contains(id); });
    }
    for (const auto& [id, times] : lister.times) EXPECT_EQ(times, 1) << id.value();
    for (const TaskId id : stayed) EXPECT_TRUE(lister.times.contains(id)) << id.value();
  }
  for (int i = 0; i < 10; ++i) {
    now_ += 2'000'000;
    TurnAll();
  }
  ExpectPromisesKept();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ListingProperty, ::testing::Range(1u, 41u));

TEST_F(DispatcherListTest, TellsAWatcherOfEveryTaskOnceAtEachEnd) {
  Build();
  const std::string labels = OneLabel("app", "shop");
  TestWatcher watcher;
  MustSubmit({.handler = "echo"});
  dispatcher_->Watch(watcher, {});
  const TaskId id = MustSubmit({.handler = "fail", .labels = labels});
  ASSERT_EQ(watcher.events.size(), 1u);
  EXPECT_EQ(watcher.events[0].kind, TaskEventKind::kAccepted);
  EXPECT_EQ(watcher.events[0].id, id);
  EXPECT_EQ(watcher.events[0].state, TaskState::kQueued);
  EXPECT_EQ(watcher.events[0].handler, "fail");
  EXPECT_EQ(watcher.events[0].labels, labels);
  TurnAll();
  ASSERT_EQ(watcher.events.size(), 3u);
  EXPECT_EQ(watcher.events[1].kind, TaskEventKind::kEnded);
  EXPECT_EQ(watcher.events[1].handler, "echo");
  EXPECT_EQ(watcher.events[2].id, id);
  EXPECT_EQ(watcher.events[2].state, TaskState::kFailed);
  EXPECT_EQ(watcher.events[2].labels, labels);
  (void)Submit({.handler = "nobody"});
  EXPECT_EQ(watcher.events.size(), 3u) << "a refused task never was one";
  dispatcher_->Unwatch(watcher);
  dispatcher_->Unwatch(watcher);
  MustSubmit({.handler = "echo"});
  EXPECT_EQ(watcher.events.size(), 3u);
}

TEST_F(DispatcherListTest, AppliesAWatchersStatesToWhatTheEventTells) {
  Build();
  TestWatcher failures, echoes;
  dispatcher_->Watch(failures, {.states = TaskFilter::Bit(TaskState::kFailed)});
  dispatcher_->Watch(echoes, {.handler = "echo"});
  MustSubmit({.handler = "echo"});
  const TaskId failed = MustSubmit({.handler = "fail"});
  TurnAll();
  ASSERT_EQ(failures.events.size(), 1u);
  EXPECT_EQ(failures.events[0].id, failed);
  EXPECT_EQ(echoes.events.size(), 2u);
  dispatcher_->Unwatch(failures);
  MustSubmit({.handler = "fail"});
  MustSubmit({.handler = "echo"});
  TurnAll();
  EXPECT_EQ(failures.events.size(), 1u);
  EXPECT_EQ(echoes.events.size(), 4u);
  dispatcher_->Unwatch(echoes);
}

TEST_F(DispatcherListTest, CountsLabelsInTheBytesInFlightAndOfKeptResults) {
  const std::string labels = OneLabel("key", std::string(95, 'v'));
  ASSERT_EQ(labels.size(), 100u);
  options_.max_in_flight_bytes = 250;
  options_.results_max_bytes = 150;
  Build();
  const TaskId first =
      MustSubmit({.handler = "echo", .payload = "12", .labels = labels}, {.retain = true});
  MustSubmit({.handler = "echo", .labels = labels}, {.retain = true});
  const auto refusal = Submit({.handler = "echo", .labels = labels});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kPayloadBytesFull);
  EXPECT_THAT(refusal->message, ::testing::HasSubstr("hold 202 bytes; with 100 more"));
  TurnAll();
  EXPECT_TRUE(Gone(first)) << "both do not fit into results.max_bytes";
  EXPECT_EQ(dispatcher_->Snapshot().results_kept_bytes, 100u);
  EXPECT_FALSE(Submit({.handler = "echo", .labels = labels})) << "all was given back";
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(DispatcherListTest, TellsHandlerAndLabelsOfOneTask) {
  Build();
  const std::string labels = OneLabel("app", "shop");
  const TaskId id = MustSubmit({.handler = "echo", .labels = labels}, {.retain = true});
  TaskSummary task;
  ASSERT_FALSE(dispatcher_->Get(id, &task));
  EXPECT_EQ(task.handler, "echo");
  EXPECT_EQ(task.labels, labels);
  TurnAll();
  ASSERT_FALSE(dispatcher_->Get(id, &task));
  EXPECT_EQ(task.result.state, TaskState::kSucceeded);
  EXPECT_EQ(task.handler, "echo");
  EXPECT_EQ(task.labels, labels);
}

}  // namespace
}  // namespace weft
