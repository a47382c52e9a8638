#include "core/io_metrics.h"

#include <utility>

#include "sys/io_operation.h"

namespace weft {
namespace {

constexpr MetricDescription kOperations = {"weft_io_operations_total",
                                           "Operations completed, also those that failed."};
constexpr MetricDescription kFailures = {"weft_io_failures_total",
                                         "Operations the system answered with an error."};
constexpr MetricDescription kInFlight = {"weft_io_in_flight", "File operations under way."};
constexpr MetricDescription kAwaited = {
    "weft_io_awaited",
    "Operations that wait for a peer, a pipe, a process or a name server; they take none of "
    "io.ring_entries."};
constexpr MetricDescription kWaiting = {
    "weft_io_waiting", "File operations that wait because io.ring_entries are under way."};
constexpr MetricDescription kEntryWaits = {
    "weft_io_entry_waits_total",
    "File operations that had to wait because io.ring_entries were under way."};
constexpr MetricDescription kEnters = {"weft_io_enters_total",
                                       "System calls made for the core's ring."};

}  // namespace

IoMetrics::IoMetrics(std::vector<CoreRow> cores, std::string backend, const BlockingPool* pool)
    : cores_(std::move(cores)), backend_(std::move(backend)), pool_(pool) {}

void IoMetrics::Collect(MetricWriter& writer) const {
  for (size_t kind = 0; kind < sys::kIoKindCount; ++kind) {
    uint64_t operations = 0;
    uint64_t failures = 0;
    for (const CoreRow& core : cores_) {
      operations += core.counters->operations[kind].value();
      failures += core.counters->failures[kind].value();
    }
    const std::string_view name = sys::IoKindName(static_cast<sys::IoKind>(kind));
    const MetricLabels labels = {{"backend", backend_}, {"operation", name}};
    writer.WriteCounter(kOperations, labels, static_cast<double>(operations));
    writer.WriteCounter(kFailures, labels, static_cast<double>(failures));
  }
  for (const CoreRow& core : cores_) {
    const std::string cpu = std::to_string(core.cpu);
    const IoCounters& counters = *core.counters;
    const MetricLabels labels = {{"core", cpu}};
    writer.WriteGauge(kInFlight, labels, static_cast<double>(counters.in_flight.value()));
    writer.WriteGauge(kAwaited, labels, static_cast<double>(counters.awaited.value()));
    writer.WriteGauge(kWaiting, labels, static_cast<double>(counters.waiting.value()));
    writer.WriteCounter(kEntryWaits, labels, static_cast<double>(counters.entry_waits.value()));
    writer.WriteCounter(kEnters, labels, static_cast<double>(counters.enters.value()));
  }
  if (pool_ != nullptr) CollectPool(writer);
}

// Each of its threads does its operations itself, so none waits for a ring.
void IoMetrics::CollectPool(MetricWriter& writer) const {
  for (size_t kind = 0; kind < sys::kIoKindCount; ++kind) {
    uint64_t operations = 0;
    uint64_t failures = 0;
    for (size_t thread = 0; thread < pool_->threads_max(); ++thread) {
      const IoCounters& counters = pool_->thread(thread).io();
      operations += counters.operations[kind].value();
      failures += counters.failures[kind].value();
    }
    const std::string_view name = sys::IoKindName(static_cast<sys::IoKind>(kind));
    const MetricLabels labels = {{"backend", "pool"}, {"operation", name}};
    writer.WriteCounter(kOperations, labels, static_cast<double>(operations));
    writer.WriteCounter(kFailures, labels, static_cast<double>(failures));
  }
  int64_t in_flight = 0;
  for (size_t thread = 0; thread < pool_->threads_max(); ++thread) {
    in_flight += pool_->thread(thread).io().in_flight.value();
  }
  writer.WriteGauge(kInFlight, {{"core", "pool"}}, static_cast<double>(in_flight));
}

}  // namespace weft
