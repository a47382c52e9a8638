#include "memory.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weft::model {
namespace {

// Between two stores that were appended there is room for forty to be inserted, each halving it.
constexpr int64_t kTimeStep = int64_t{1} << 40;

bool Acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool Releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace

void View::Join(const View& other) {
  for (size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], other.clock[i]);
  for (size_t i = 0; i < oldest.size(); ++i) oldest[i] = std::max(oldest[i], other.oldest[i]);
}

void Memory::Reset() {
  locations_ = 0;
  for (size_t thread = 0; thread < views_.size(); ++thread) {
    views_[thread] = View{};
    views_[thread].clock[thread] = 1;
  }
}

size_t Memory::NewLocation(size_t /*thread*/, uint64_t value) {
  assert(locations_ < kLocationsMax);
  History& history = stores_[locations_];
  history.clear();
  history.push_back(StoreRecord{.time = 0, .value = value, .followed = false, .released = {}});
  return locations_++;
}

size_t Memory::OldestFor(size_t thread, size_t location) const {
  const History& history = stores_[location];
  size_t index = history.size() - 1;
  while (index > 0 && history[index - 1].time >= views_[thread].oldest[location]) --index;
  return index;
}

void Memory::Read(size_t thread, size_t location, const StoreRecord& record,
                  std::memory_order order) {
  View& view = views_[thread];
  view.oldest[location] = std::max(view.oldest[location], record.time);
  if (Acquires(order)) view.Join(record.released);
}

void Memory::Insert(size_t location, size_t index, StoreRecord record, size_t thread) {
  History& history = stores_[location];
  const int64_t before = history[index].time;
  record.time = index + 1 == history.size() ? before + kTimeStep
                                            : before + (history[index + 1].time - before) / 2;
  assert(record.time > before);
  views_[thread].oldest[location] = record.time;
  history.insert(history.begin() + static_cast<std::ptrdiff_t>(index) + 1, record);
}

uint64_t Memory::Load(size_t thread, size_t location, std::memory_order order) {
  const History& history = stores_[location];
  const size_t oldest = OldestFor(thread, location);
  const StoreRecord& read = history[history.size() - 1 - Pick(history.size() - oldest)];
  Read(thread, location, read, order);
  ++views_[thread].clock[thread];
  return read.value;
}

void Memory::Store(size_t thread, size_t location, uint64_t value, std::memory_order order) {
  const History& history = stores_[location];
  std::array<size_t, 64> places{};
  size_t count = 0;
  for (size_t i = history.size(); i-- > OldestFor(thread, location);) {
    assert(count < places.size());
    if (!history[i].followed) places[count++] = i;
  }
  Insert(location, places[Pick(count)], StoreRecord{.value = value, .released = {}}, thread);
  View& view = views_[thread];
  if (Releases(order)) {
    for (StoreRecord& record : stores_[location]) {
      if (record.time == view.oldest[location]) record.released = view;
    }
  }
  ++view.clock[thread];
}

Changed Memory::Modify(size_t thread, size_t location, const Change& change) {
  History& history = stores_[location];
  struct Outcome {
    size_t index;
    bool done;
    bool spurious;
  };
  std::array<Outcome, 64> outcomes{};
  size_t count = 0;
  for (size_t i = history.size(); i-- > OldestFor(thread, location);) {
    assert(count + 2 <= outcomes.size());
    const bool compares = change.kind == Change::Kind::kCompare;
    const bool equal = !compares || history[i].value == change.expected;
    if (!equal) outcomes[count++] = {i, false, false};
    if (equal && !history[i].followed) outcomes[count++] = {i, true, false};
    if (equal && compares && change.may_fail_spuriously) outcomes[count++] = {i, false, true};
  }
  const Outcome outcome = outcomes[Pick(count)];
  StoreRecord& read = history[outcome.index];
  const uint64_t old_value = read.value;
  Read(thread, location, read, outcome.done ? change.success : change.failure);
  View& view = views_[thread];
  if (outcome.done) {
    read.followed = true;
    StoreRecord next{.value = change.operand, .released = read.released};
    if (change.kind == Change::Kind::kAdd) next.value += old_value;
    if (change.kind == Change::Kind::kOr) next.value |= old_value;
    Insert(location, outcome.index, next, thread);
    if (Releases(change.success)) history[outcome.index + 1].released.Join(view);
  }
  ++view.clock[thread];
  return {old_value, outcome.done, outcome.spurious};
}

bool AccessRecord::Read(size_t thread, const View& view) {
  read_[thread] = view.clock[thread];
  return view.clock[writer_] >= written_;
}

bool AccessRecord::Write(size_t thread, const View& view) {
  bool ordered = view.clock[writer_] >= written_;
  for (size_t i = 0; i < read_.size(); ++i) ordered = ordered && view.clock[i] >= read_[i];
  writer_ = thread;
  written_ = view.clock[thread];
  return ordered;
}

}  // namespace weft::model
