// A task suspends for an operation of io_uring that does nothing, and resumes: 1, 8 and 64 at once.
#include <liburing.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hand_turned_core.h"
#include "pace.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/io_operation.h"
#include "sys/io_system.h"

namespace weft::bench {
namespace {

constexpr unsigned kEntries = 256;  // io.ring_entries.

struct Load {
  Pace pace;
  uint64_t failed = 0;
};

TaskOutcome NopAgainAndAgain(void* state, TaskContext& context) {
  Load* const load = static_cast<Load*>(state);
  do {
    sys::IoOperation operation{.kind = sys::IoKind::kNop};
    load->failed += context.RunIo(operation) == 0 ? 0 : 1;
  } while (load->pace.Go());
  return TaskOutcome::kSucceeded;
}

// Below 0 when the core's counters and what the tasks did differ.
double OnCore(HandTurnedCore* core, const sys::Clock& clock, double seconds, uint64_t in_flight) {
  const uint64_t executed_before = core->executed();
  const uint64_t suspensions_before = core->suspensions();
  Load load{.pace = Pace(clock, seconds)};
  TaskEntry entry;
  entry.run = &NopAgainAndAgain;
  entry.state = &load;
  for (uint64_t i = 0; i < in_flight; ++i) core->Spawn(entry);
  core->Finish();
  const double figure = load.pace.PerOperation();
  const bool agrees = core->executed() - executed_before == in_flight && load.failed == 0 &&
                      core->suspensions() - suspensions_before == load.pace.done();
  return agrees ? figure : -1;
}

// A ring set up as sys/ring_uring.cc sets up a core's, without the core: submit, look, take.
class BareRing {
 public:
  BareRing() {
    io_uring_params params = {};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                   IORING_SETUP_CLAMP;
    params.cq_entries = 4 * kEntries;
    is_open_ = io_uring_queue_init_params(2 * kEntries, &ring_, &params) == 0;
  }
  ~BareRing() {
    if (is_open_) io_uring_queue_exit(&ring_);
  }
  BareRing(const BareRing&) = delete;
  BareRing& operator=(const BareRing&) = delete;

  bool is_open() const { return is_open_; }

  // Nanoseconds an operation; below 0 when one did not come back at once.
  double Measure(const sys::Clock& clock, double seconds, unsigned in_flight) {
    bool all_came = true;
    const double figure = PerOperation(clock, seconds, in_flight, [&] {
      for (unsigned i = 0; i < in_flight; ++i) {
        io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data64(sqe, i);
      }
      io_uring_submit(&ring_);
      io_uring_cqe* entry = nullptr;
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_for_each_cqe(&ring_, head, entry) {
        ++seen;
        all_came &= entry->res == 0;
      }
      io_uring_cq_advance(&ring_, seen);
      all_came &= seen == in_flight;
    });
    return all_came ? figure : -1;
  }

 private:
  io_uring ring_ = {};
  bool is_open_ = false;
};

struct Size {
  unsigned in_flight;
  const char* name;
  double times;  // Of the bare ring.
};
constexpr std::array<Size, 3> kSizes = {
    {{1, "uring_nop_1", 1.3}, {8, "uring_nop_8", 1.5}, {64, "uring_nop_64", 1.6}}};

}  // namespace

void MeasureUring(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  std::vector<Row> measured;
  for (const Size& size : kSizes) {
    measured.push_back({size.name, SeriesOf({"bare ring (floor)"}), {.times = size.times}});
    measured.back().cpus = std::to_string(settings.near_cpu);
    measured.back().idle = "none";
  }
  auto system = sys::IoSystem::Open({.backend = IoChoice::kIoUring, .ring_entries = kEntries}, 1,
                                    {settings.near_cpu});
  BareRing bare;
  std::string refusal;
  if (!system.ok()) {
    refusal = std::string(system.status().message());
  } else if (!bare.is_open()) {
    refusal = "the kernel's io_uring is older than the one compared with";
  } else {
    HandTurnedCore core(clock, {.rings = system->get()});
    for (int round = 0; core.is_prepared() && round < settings.rounds; ++round) {
      for (size_t i = 0; i < kSizes.size(); ++i) {
        measured[i].weft.Add(OnCore(&core, clock, settings.seconds, kSizes[i].in_flight));
        measured[i].peers[0].Add(bare.Measure(clock, settings.seconds, kSizes[i].in_flight));
      }
    }
  }
  for (Row& row : measured) {
    if (row.weft.empty()) {
      row.error = refusal.empty() ? "the core could not be prepared" : refusal;
    } else if (row.weft.Min() < 0 || row.peers[0].Min() < 0) {
      row.error = "the counters and the operations differ";
    }
    rows->push_back(std::move(row));
  }
}

}  // namespace weft::bench
