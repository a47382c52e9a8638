#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/usual_time.h"
#include "metrics/cell.h"
#include "metrics/histogram.h"
#include "metrics/metric_source.h"
#include "sys/io_operation.h"
#include "task/priority.h"
#include "task/task_state.h"

namespace weft {

// Where the time of one handler's tasks of one level went, in nanoseconds.
struct LatencyHistograms {
  Histogram queue;      // Admission to start.
  UsualTime usual;      // The core's thread only.
  Histogram execution;  // Start to end.
};

// What one core counts of its I/O.
struct IoCounters {
  std::array<Counter, sys::kIoKindCount> operations;  // Completed, also those that failed.
  std::array<Counter, sys::kIoKindCount> failures;    // The part the system answered with an error.
  Gauge in_flight;                                    // Operations with an entry of the ring.
  Gauge awaited;        // Operations of sockets, pipes, processes, names: they take no entry.
  Gauge waiting;        // Operations that wait for a free entry of the ring.
  Counter entry_waits;  // Operations that had to wait for one.
  Gauge enters;         // System calls made for the ring; only grows.
};

// What one core counts. Written by the core's thread only, read by any: each cell is true by
// itself, sums over cells may be a few tasks apart while the core runs.
struct CoreStats {
  explicit CoreStats(uint32_t handler_count) : histograms(handler_count + 1) {}

  Counter submitted;                              // The Door's tasks taken in.
  std::array<Counter, kPriorityCount> started;    // The Door's tasks begun, by level.
  std::array<Counter, kPriorityCount> unstarted;  // The Door's ended without a start, by level.
  Counter spawned;                             // Tasks taken in that others than the Door started,
  Counter spawned_ended;                       // those of them that have ended,
  Counter spawned_unstarted;                   // and that part of these which never began.
  std::atomic<uint64_t> spawns_refused{0};     // By any thread: all slots for them were taken.
  std::array<Counter, kTaskStateCount> ended;  // By terminal state.
  Gauge live;       // Tasks taken in and not ended, at the end of a turn.
  Gauge held;       // The part of live that stays queued because its handler is paused; likewise.
  Counter turns;    // Turns that did something.
  Counter busy_ns;  // Time in such turns that are over; up to 20 us of it may be missing.
  Counter beats;    // Grows while it spins idle; with turns the signs of life of one that is awake.
  Counter suspensions;
  Counter stack_waits;  // Tasks set aside because every stack was in use.
  Gauge stacks_in_use;
  Gauge stacks_committed;  // Stacks that have memory: in use, or spare and kept.
  Counter outbox_waits;    // Turns cut short because the Door had not drained.
  Counter idle_spins;      // Idle times that ended while still spinning.
  Counter sleeps;
  std::atomic<uint64_t> wakes{0};  // By any thread that posts, at most one a sleep.
  Gauge spin_budget_ns;
  Counter long_runs;         // Tasks that ran far longer than usual.
  Counter long_off_core_ns;  // At most so long those had no CPU, as their results tell.
  Counter misuse;            // Suspensions refused to handlers registered as never_suspends.
  Counter violations;        // The core's own count of live tasks disagreed with its lists.
  IoCounters io;
  Gauge realtime;         // 1: its thread has SCHED_FIFO. Written at the start.
  Gauge lockable_bytes;   // Of its slots and stacks, to be locked. Written at the start.
  Gauge locked_bytes;     // The part of them that is. Likewise.
  Gauge huge_page_bytes;  // Of its slots that lie in huge pages. Likewise.
  Gauge node_bytes;       // Kept on its CPU's node; 0 where there is one node only. Likewise.
  Gauge off_node_bytes;   // The part that is elsewhere all the same, or was refused. Likewise.

  // By handler index (TaskEntry::index), then level. The last row is of tasks that have no handler:
  // what TaskHost::SpawnTask started.
  struct PerHandler {
    std::array<LatencyHistograms, kPriorityCount> levels;
    Counter failed;   // Of its executions, those that did not succeed.
    Counter untimed;  // Its executions while timing was off, which no histogram has.
  };
  std::vector<PerHandler> histograms;

  // Tasks ended.
  uint64_t ended_sum() const {
    uint64_t count = 0;
    for (const Counter& state : ended) count += state.value();
    return count;
  }

  // Tasks started and ended. True while the core rests.
  uint64_t executed() const {
    uint64_t count = ended_sum();
    for (const Counter& level : unstarted) count -= level.value();
    return count - spawned_unstarted.value();
  }

  // Core thread only. One task that was started has ended. True: it may have run far longer than
  // usual, so that TookFarLonger is to be asked.
  bool CountExecution(uint16_t handler, Priority priority, uint64_t queue_ns, uint64_t ran_ns) {
    LatencyHistograms& row = histograms[handler].levels[static_cast<size_t>(priority)];
    row.queue.RecordNs(queue_ns);
    row.execution.RecordNs(ran_ns);
    return row.usual.Marks(ran_ns);
  }
  // Core thread only. Right after CountExecution.
  bool TookFarLonger(uint16_t handler, Priority priority, uint64_t ran_ns) {
    LatencyHistograms& row = histograms[handler].levels[static_cast<size_t>(priority)];
    return row.usual.IsFarExceeded(row.execution, ran_ns);
  }
  // Core thread only, now and then. Learns what is usual of one handler after the other.
  void LearnUsual() {
    if (histograms.empty()) return;
    PerHandler& row = histograms[lessons++ % histograms.size()];
    for (LatencyHistograms& level : row.levels) level.usual.Learn(level.execution);
  }
  uint64_t lessons = 0;  // The core's thread only.
};

}  // namespace weft
