#pragma once

#include <google/protobuf/message.h>

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "client/latency_histogram.h"
#include "weft/v1/admin_service.pb.h"
#include "weft/v1/task.pb.h"

// How `weft` writes what it learned. Answers go to the stream given, errors are one line.
namespace weft::cli {

// protobuf's JSON mapping with the names of the proto and every field, also those at their default;
// 64-bit numbers are strings. One line unless `pretty`.
[[nodiscard]] std::string ToJson(const google::protobuf::Message& message, bool pretty);

// One line for stderr: code, message, what was wrong where, and what can be done about it.
[[nodiscard]] std::string ErrorLine(const absl::Status& status, const std::string& target);

// "succeeded" for TASK_STATE_SUCCEEDED, and so on.
[[nodiscard]] std::string StateWord(v1::TaskState state);
[[nodiscard]] std::string PriorityWord(v1::Priority priority);

// The task's output as text; of bytes that are not printable UTF-8 only how many they are.
[[nodiscard]] std::string OutputForPeople(const std::string& output);

// A CPU number as TaskResult.core and CoreStats.core tell it: "3", or "pool" for the blocking pool;
// in a sentence "on core 3", or "in the blocking pool".
std::string CoreText(uint32_t core);
// "active", "draining" or "parked"; "-" for the blocking pool and for a daemon that tells none.
std::string CoreStateWord(v1::CoreState state);
std::string PlaceText(uint32_t core);

// "task 123 succeeded on core 1 (normal): queued 3.1 µs, ran 12.4 µs, total 15.5 µs".
[[nodiscard]] std::string LedgerLine(const v1::TaskResult& result);

// JSON, or the output and the ledger's line.
void WriteTask(const v1::TaskResult& result, bool json, std::ostream& out);

void WriteStats(const v1::GetStatsResponse& stats, std::ostream& out);
void WriteReload(const v1::ReloadConfigResponse& answer, std::ostream& out);
// Of a configuration that is wrong: a line for each mistake.
[[nodiscard]] std::string ReloadError(const absl::Status& status);
void WriteHandlers(const v1::ListHandlersResponse& handlers, std::ostream& out);

// One row for each kind of latency: p50, p90, p99, p99.9 and max.
void WriteLatencyTable(const LatencyHistogram& queue, const LatencyHistogram& execution,
                       const LatencyHistogram& round_trip, std::ostream& out);

}  // namespace weft::cli
