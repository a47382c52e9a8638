#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace weft::model {

inline constexpr size_t kThreadsMax = 3;     // Modelled ones; thread 0 is the test itself.
inline constexpr size_t kLocationsMax = 12;  // Atomics of one execution.

// What a thread knows: of each thread, how far its past reaches, and of each atomic the oldest
// store it may still read.
struct View {
  std::array<uint32_t, kThreadsMax + 1> clock{};
  std::array<int64_t, kLocationsMax> oldest{};

  void Join(const View& other);
};

// A read-modify-write. For kCompare, weak ones may fail although the value is the expected one.
struct Change {
  enum class Kind : uint8_t { kExchange, kAdd, kOr, kCompare };
  Kind kind = Kind::kExchange;
  uint64_t operand = 0;
  uint64_t expected = 0;
  bool may_fail_spuriously = false;
  std::memory_order success = std::memory_order_seq_cst;
  std::memory_order failure = std::memory_order_seq_cst;
};

struct Changed {
  uint64_t old_value = 0;
  bool done = false;
  bool spurious = false;
};

// The atomics of one execution under the memory model of C++20, without load buffering (a load
// never reads a store that has not run yet) and without seq_cst (taken as acq_rel, which allows
// more). Thread rule: one operating system thread.
//
// Each location keeps its stores in modification order. A load reads any store not older than the
// thread's view allows; a store goes behind any of those, but never between a read-modify-write and
// the store it read; a read-modify-write stands directly behind the store it reads. Each of these
// is a choice, made by `choose`. A store carries the view that an acquire of it learns: its
// thread's when it is a release, and what the store it replaced carried when it is a
// read-modify-write (C++20 release sequences).
class Memory {
 public:
  // choose(n): a number below n. It is not called when n is 1.
  using Choose = std::function<size_t(size_t)>;
  explicit Memory(Choose choose) : choose_(std::move(choose)) {}

  void Reset();
  // A new location, already holding `value`; its number, from 0 in order of construction.
  size_t NewLocation(size_t thread, uint64_t value);

  uint64_t Load(size_t thread, size_t location, std::memory_order order);
  void Store(size_t thread, size_t location, uint64_t value, std::memory_order order);
  Changed Modify(size_t thread, size_t location, const Change& change);

  // The last value in modification order.
  uint64_t Newest(size_t location) const { return stores_[location].back().value; }
  View& view(size_t thread) { return views_[thread]; }

 private:
  struct StoreRecord {
    int64_t time = 0;  // Its place in modification order.
    uint64_t value = 0;
    bool followed = false;  // A read-modify-write stands directly behind it.
    View released;
  };
  using History = std::vector<StoreRecord>;

  size_t Pick(size_t count) { return count == 1 ? 0 : choose_(count); }
  // The index of the oldest store the thread may read.
  size_t OldestFor(size_t thread, size_t location) const;
  // Inserts behind the store at `index`.
  void Insert(size_t location, size_t index, StoreRecord record, size_t thread);
  void Read(size_t thread, size_t location, const StoreRecord& record, std::memory_order order);

  Choose choose_;
  std::array<History, kLocationsMax> stores_;
  size_t locations_ = 0;
  std::array<View, kThreadsMax + 1> views_;
};

// Who accessed a plain object last; finds accesses that nothing orders.
class AccessRecord {
 public:
  // False: the access races with an earlier one.
  bool Read(size_t thread, const View& view);
  bool Write(size_t thread, const View& view);

 private:
  size_t writer_ = 0;
  uint32_t written_ = 0;
  std::array<uint32_t, kThreadsMax + 1> read_{};
};

}  // namespace weft::model
