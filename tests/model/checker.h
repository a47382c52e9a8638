#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "memory.h"

namespace weft::model {

// One small program to explore. It is built, run and destroyed once per execution; what it builds
// happens before its threads, and Finish happens after them. It must do the same each time but for
// what the model chooses. A thread that is not run to its end is dropped without unwinding, so
// threads keep nothing on their stacks that owns memory.
class Scenario {
 public:
  virtual ~Scenario() = default;
  virtual void Run(size_t thread) = 0;
  virtual void Finish() {}
};

struct Options {
  size_t threads = 2;  // 1 to kThreadsMax.
  size_t steps_max = 300;
  uint64_t executions_max = 20'000'000;
  bool cuts = true;              // Orders of operations that commute are explored once.
  size_t spurious_failures = 0;  // How many weak compare-and-swaps may fail for nothing.
};

struct Report {
  uint64_t executions = 0;  // Run to their end.
  uint64_t cut = 0;         // Given up because they only reorder what commutes.
  bool complete = false;    // Every execution was seen, none failed.
  std::string failure;      // Why the first failing execution failed; empty if none did.
  std::string trace;        // Its operations, one a line.
};

// Explores every execution of what `make` builds, depth first, until one fails. Threads change
// turns only before an operation on an atomic; orders of operations that commute (other location,
// or both loads) are explored once, by sleep sets. There is no bound on preemptions.
Report Explore(const Options& options, const std::function<std::unique_ptr<Scenario>()>& make);

// The rest is for code within a scenario.

// Fails the execution unless `holds`. Does not return then, but in Finish.
void Require(bool holds, const char* what);

// The last operation of this thread, and whether one happens before now in this thread. Unlike "was
// run earlier", that is the same in all orders of operations that commute.
struct Moment {
  size_t thread = 0;
  uint32_t clock = 0;
};
Moment LastOperation();
bool IsPast(Moment moment);

// The last value, in modification order, of the location-th atomic that was constructed.
uint64_t Newest(size_t location);

namespace operation {
size_t NewLocation(uint64_t value);
uint64_t Load(size_t location, std::memory_order order);
void Store(size_t location, uint64_t value, std::memory_order order);
Changed Modify(size_t location, Change change);
void Sleep(size_t location, uint64_t while_equal);
void Wake(size_t location);
void CheckRead(AccessRecord& record);
void CheckWrite(AccessRecord& record);
}  // namespace operation

// Stands in for std::atomic of an unsigned integer or a pointer.
template <class T>
class Atomic {
  static_assert(std::is_unsigned_v<T> || std::is_pointer_v<T>);

 public:
  Atomic() : Atomic(T{}) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic.
  Atomic(T value) : location_(operation::NewLocation(Encode(value))) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order) const { return Decode(operation::Load(location_, order)); }
  void store(T value, std::memory_order order) {
    operation::Store(location_, Encode(value), order);
  }
  T exchange(T value, std::memory_order order) {
    return Decode(
        Modify({Change::Kind::kExchange, Encode(value), 0, false, order, order}).old_value);
  }
  T fetch_add(T value, std::memory_order order) {
    return Decode(Modify({Change::Kind::kAdd, Encode(value), 0, false, order, order}).old_value);
  }
  T fetch_sub(T value, std::memory_order order) {
    const uint64_t less = uint64_t{0} - Encode(value);
    return Decode(Modify({Change::Kind::kAdd, less, 0, false, order, order}).old_value);
  }
  T fetch_or(T value, std::memory_order order) {
    return Decode(Modify({Change::Kind::kOr, Encode(value), 0, false, order, order}).old_value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order success,
                               std::memory_order failure) {
    return Compare(expected, value, false, success, failure);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order success,
                             std::memory_order failure) {
    return Compare(expected, value, true, success, failure);
  }

  // A futex: sleeps unless the newest value is another; the wait orders nothing. Woken by Wake.
  void Sleep(T while_equal) { operation::Sleep(location_, Encode(while_equal)); }
  void Wake() { operation::Wake(location_); }

 private:
  static uint64_t Encode(T value) {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<uint64_t>(value);
    } else {
      return value;
    }
  }
  static T Decode(uint64_t value) {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<T>(value);  // NOLINT(performance-no-int-to-ptr): Encode's.
    } else {
      return static_cast<T>(value);
    }
  }

  Changed Modify(const Change& change) { return operation::Modify(location_, change); }
  bool Compare(T& expected, T value, bool may_fail_spuriously, std::memory_order success,
               std::memory_order failure) {
    const Changed changed = Modify({Change::Kind::kCompare, Encode(value), Encode(expected),
                                    may_fail_spuriously, success, failure});
    if (!changed.done) expected = Decode(changed.old_value);
    return changed.done;
  }

  size_t location_;
};

// A plain object. Two accesses, one of them a write, that nothing orders fail the execution.
template <class T>
class Cell {
 public:
  Cell() : Cell(T{}) {}
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a T.
  Cell(T value) : value_(value) { operation::CheckWrite(record_); }
  Cell(const Cell& other) : Cell(other.get()) {}
  Cell& operator=(const Cell& other) {
    const T value = other.get();
    operation::CheckWrite(record_);
    value_ = value;
    return *this;
  }

  T get() const {
    operation::CheckRead(record_);
    return value_;
  }

 private:
  mutable AccessRecord record_;
  T value_;
};

}  // namespace weft::model
