#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "config/cpu_name.h"
#include "config/host_pattern.h"
#include "config/schema.h"

namespace weft {
namespace {

using Kind = ConfigRule::Kind;
using enum ConfigReload;

constexpr int64_t kMiB = 1024 * 1024;
constexpr int64_t kTiB = kMiB * kMiB;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMostCores = 255;  // kMaxCores of task/limits.h, which config/ does not see.
constexpr int64_t kMillisecondNs = 1'000'000;

ConfigRule Flag() { return {.kind = Kind::kFlag}; }
ConfigRule Whole(int64_t least, int64_t most) {
  return {.kind = Kind::kInteger, .least = least, .most = most};
}
ConfigRule Path(int64_t most, absl::Span<const std::string_view> words = {}) {
  return {.kind = Kind::kPath, .most = most, .choices = words};
}
ConfigRule Choice(absl::Span<const std::string_view> choices) {
  return {.kind = Kind::kChoice, .choices = choices};
}

bool AsFlag(const ConfigValue& value) { return std::get<bool>(value); }
const std::string& AsText(const ConfigValue& value) { return std::get<std::string>(value); }
template <class Number = uint32_t>
Number As(const ConfigValue& value) {
  return static_cast<Number>(std::get<int64_t>(value));
}
int64_t SecondsAsNs(const ConfigValue& value) { return As<int64_t>(value) * kSecondNs; }

// The enumerator in the value's place among the choices, which stand in the order of the enum.
template <class Enum>
Enum AsEnum(absl::Span<const std::string_view> choices, const ConfigValue& value) {
  const auto found = std::find(choices.begin(), choices.end(), AsText(value));
  return static_cast<Enum>(found - choices.begin());
}

std::vector<std::string> AsTextList(const ConfigValue& value) {
  if (const auto* one = std::get_if<std::string>(&value)) return {*one};
  return std::get<std::vector<std::string>>(value);
}

std::vector<HostPattern> AsHosts(const ConfigValue& value) {
  std::vector<HostPattern> hosts;
  for (const std::string& text : AsTextList(value)) hosts.push_back(*ParseHostPattern(text));
  return hosts;
}

std::optional<std::vector<CpuName>> AsCpus(const ConfigValue& value) {
  std::vector<CpuName> names;
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&value)) {
    for (const int64_t number : *numbers) {
      names.push_back({.number = static_cast<uint32_t>(number)});
    }
    return names;
  }
  const std::vector<std::string> texts = AsTextList(value);
  if (texts == std::vector<std::string>{"auto"}) return std::nullopt;
  for (const std::string& text : texts) names.push_back(*ParseCpuName(text));
  return names;
}

constexpr int64_t kSocketPathMost = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view kSocketWords[] = {"auto"};
constexpr std::string_view kDoorThreads[] = {"auto", "own", "core"};
constexpr std::string_view kIdlePolicies[] = {"spin", "adaptive", "sleep"};
constexpr uint32_t kTasksMaxOfKind[] = {0, kFallbackTasksMax, 0};
constexpr std::string_view kStallPolicies[] = {"report", "demote"};
constexpr std::string_view kDeadlinePolicies[] = {"refuse", "queue"};
constexpr int64_t kPathMost = 4095;
constexpr int64_t kHostsMost = 256;
constexpr std::string_view kIoBackends[] = {"auto", "io_uring", "threads"};
constexpr std::string_view kLogLevels[] = {"trace", "debug", "info", "warn", "error"};
constexpr std::string_view kLogFormats[] = {"text", "json"};

std::vector<ConfigRow> ExecutorRows() {
  return {
      {"executor.cores",
       "CPUs",
       {.kind = Kind::kCpus},
       "\"auto\"",
       kRestart,
       "CPUs that get an executor core each, by number or by where they sit; auto: all allowed "
       "ones "
       "but one for the Door. \"p1\" and \"n1\" are all allowed CPUs of package 1 and of NUMA node "
       "1, \"p1:0\" the first of them, ascending. `weft cores` tells where each sits.",
       [](Config& c, const ConfigValue& v) { c.cores.cpus = AsCpus(v); }},
      {"executor.worker_threads", "", Whole(0, kMostCores), "0", kRestart,
       "Uses only that many of executor.cores; 0: all.",
       [](Config& c, const ConfigValue& v) { c.cores.worker_threads = As<int>(v); }},
      {"executor.door", "", Choice(kDoorThreads), "\"auto\"", kRestart,
       "Which thread the Door runs in: its own, or the only core's, so that a task takes no switch "
       "of "
       "threads; there it goes home while a handler holds the core or tasks wait for files, the "
       "network or a near time. auto: the core's where the two have one CPU.",
       [](Config& c, const ConfigValue& v) { c.cores.door = AsEnum<DoorThread>(kDoorThreads, v); }},
      {"executor.active_min", "cores", Whole(0, kMostCores), "0", kLive,
       "Fewest cores that take new tasks while load is low: the others are parked, the last first, "
       "and taken in again when it rises. 0, or as many as there are: none is ever parked.",
       [](Config& c, const ConfigValue& v) { c.dispatch.active_min = As(v); }},
      {"executor.idle", "", Choice(kIdlePolicies), "\"adaptive\"", kRestart,
       "What a core does when it has nothing to run.",
       [](Config& c, const ConfigValue& v) { c.core.idle = AsEnum<IdlePolicy>(kIdlePolicies, v); }},
      {"executor.spin_us", "microseconds", Whole(0, 10'000), "50", kRestart,
       "How long an idle core spins before it sleeps.",
       [](Config& c, const ConfigValue& v) { c.core.spin_us = As(v); }},
      {"executor.budget_polls", "tasks", Whole(1, TurnBudget::kMostPolls), "64", kLive,
       "Tasks a core starts or resumes before it looks at what came in; SetBudget changes it.",
       [](Config& c, const ConfigValue& v) { c.core.budget.polls = As(v); }},
      {"executor.budget_us", "microseconds", Whole(0, TurnBudget::kMostMicroseconds), "0", kLive,
       "How long a core runs tasks before it looks at what came in; 0: budget_polls counts.",
       [](Config& c, const ConfigValue& v) { c.core.budget.microseconds = As(v); }},
      {"executor.max_queue_depth", "tasks", Whole(1, 1'000'000), "10000", kRestart,
       "Tasks admitted and not yet started, of each level of each core.",
       [](Config& c, const ConfigValue& v) {
         c.core.max_queue_depth = As(v);
         c.dispatch.max_queue_depth = As(v);
       }},
      {"executor.target_latency_ns", "nanoseconds", Whole(1, 60 * kSecondNs), "5000", kLive,
       "Average execution latency that counts as meeting the target.",
       [](Config& c, const ConfigValue& v) { c.dispatch.target_latency_ns = As<int64_t>(v); }},
      {"executor.timing_metrics", "", Flag(), "true", kRestart,
       "Whether tasks are timed; without it times and latencies are 0.",
       [](Config& c, const ConfigValue& v) {
         c.core.timing_metrics = AsFlag(v);
         c.dispatch.timing_metrics = AsFlag(v);
       }},
      {"executor.age_limit_ms", "milliseconds", Whole(1, 60'000), "100", kLive,
       "Age at which the head of a level goes ahead of higher levels.",
       [](Config& c, const ConfigValue& v) { c.core.age_limit_ms = As(v); }},
      {"executor.stall_threshold_ms", "milliseconds", Whole(1, 60'000), "100", kLive,
       "A handler that holds its core longer than that is reported.",
       [](Config& c, const ConfigValue& v) { c.core.stall_threshold_ms = As(v); }},
  };
}

// The rest of the section.
std::vector<ConfigRow> StackRows() {
  return {
      {"executor.stacks", "stacks", Whole(1, 200'000), "256", kRestart,
       "Tasks that may be started and suspended at once on each core.",
       [](Config& c, const ConfigValue& v) { c.core.stacks = As(v); }},
      {"executor.stacks_kept", "stacks", Whole(1, 200'000), "256", kRestart,
       "Spare stacks of each core whose memory is kept; an idle core gives back that of the rest.",
       [](Config& c, const ConfigValue& v) { c.core.stacks_kept = As(v); }},
      {"executor.realtime", "", Flag(), "false", kRestart,
       "Cores run with SCHED_FIFO, ahead of all that shares their CPUs, where the system allows "
       "it; "
       "idle \"spin\" then becomes \"adaptive\".",
       [](Config& c, const ConfigValue& v) { c.core.realtime = AsFlag(v); }},
      {"executor.lock_memory", "", Flag(), "false", kRestart,
       "Commits and locks the memory of queues and of stacks_kept stacks at the start, as far as "
       "the "
       "system allows it.",
       [](Config& c, const ConfigValue& v) { c.core.lock_memory = AsFlag(v); }},
      {"executor.stack_bytes", "bytes", Whole(16'384, 8 * kMiB), "65536", kRestart,
       "Usable size of each stack, rounded up to pages.",
       [](Config& c, const ConfigValue& v) { c.core.stack_bytes = As<size_t>(v); }},
  };
}

std::vector<ConfigRow> BlockingRows() {
  return {
      {"executor.kind", "", Choice(kExecutorKinds), "\"core\"", kRestart,
       "What runs handlers: core, fallback (32 tasks a core) or asio; the last two run them to "
       "their end and do not support sleep and file.*.",
       [](Config& c, const ConfigValue& v) {
         c.dispatch.executor_kind = AsEnum<ExecutorKind>(kExecutorKinds, v);
         c.core.tasks_max = kTasksMaxOfKind[static_cast<size_t>(c.dispatch.executor_kind)];
       }},
      {"executor.stall_policy", "", Choice(kStallPolicies), "\"report\"", kLive,
       "demote: a handler reported three times within 60 s is moved to the blocking pool, until "
       "ResumeHandler.",
       [](Config& c, const ConfigValue& v) {
         c.dispatch.stall_policy = AsEnum<StallPolicy>(kStallPolicies, v);
       }},
      {"executor.deadline_policy", "", Choice(kDeadlinePolicies), "\"refuse\"", kLive,
       "What becomes of a task that is expected to start after its deadline only: refuse: it is "
       "refused at once; queue: it is queued all the same. With timing_metrics = false nothing is "
       "expected.",
       [](Config& c, const ConfigValue& v) {
         c.dispatch.deadline_policy = AsEnum<DeadlinePolicy>(kDeadlinePolicies, v);
       }},
      {"blocking.threads_max", "threads", Whole(1, 256), "16", kRestart,
       "Tasks of blocking handlers that run at once, each on a thread of its own.",
       [](Config& c, const ConfigValue& v) { c.blocking.threads_max = As(v); }},
      {"blocking.idle_s", "seconds", Whole(1, 3'600), "10", kRestart,
       "A thread of the blocking pool that had nothing to do for so long ends.",
       [](Config& c, const ConfigValue& v) { c.blocking.idle_ns = SecondsAsNs(v); }},
      {"blocking.max_queue_depth", "tasks", Whole(1, 100'000), "1000", kRestart,
       "Tasks of the blocking pool admitted and not yet started, of each level.",
       [](Config& c, const ConfigValue& v) { c.dispatch.blocking_queue_depth = As(v); }},
      {"blocking.stall_threshold_s", "seconds", Whole(1, 86'400), "60", kLive,
       "A handler that holds a thread of the blocking pool longer than that is reported.",
       [](Config& c, const ConfigValue& v) { c.dispatch.blocking_stall_ns = SecondsAsNs(v); }},
  };
}

std::vector<ConfigRow> ListenerRows() {
  return {
      {"rpc.listen",
       "host:port",
       {.kind = Kind::kAddressList},
       "[\"127.0.0.1:7411\"]",
       kRestart,
       "TCP addresses of the gRPC server; an empty list for none.",
       [](Config& c, const ConfigValue& v) { c.rpc.listen = AsTextList(v); }},
      {"rpc.unix_socket", "path", Path(kSocketPathMost, kSocketWords), "\"auto\"", kRestart,
       "Unix socket of the gRPC server: auto: weftd.sock in $RUNTIME_DIRECTORY, else "
       "$XDG_RUNTIME_DIR/weft, else (as root) /run/weft; empty for none.",
       [](Config& c, const ConfigValue& v) { c.rpc.unix_socket = AsText(v); }},
      {"web.listen",
       "host:port",
       {.kind = Kind::kAddress},
       "\"127.0.0.1:7412\"",
       kRestart,
       "TCP address of the HTTP server (metrics and health); empty for none.",
       [](Config& c, const ConfigValue& v) { c.web.listen = AsText(v); }},
  };
}

std::vector<ConfigRow> BoundRows() {
  return {
      {"results.max_age_s", "seconds", Whole(1, 2'592'000), "600", kLive,
       "A retained result is forgotten at that age.",
       [](Config& c, const ConfigValue& v) { c.dispatch.results_max_age_ns = SecondsAsNs(v); }},
      {"results.max_count", "results", Whole(1, 10'000'000), "100000", kRestart,
       "Results retained at once; the oldest go first.",
       [](Config& c, const ConfigValue& v) { c.dispatch.results_max_count = As(v); }},
      {"results.max_bytes", "bytes", Whole(1, kTiB), "67108864", kLive,
       "Memory of the retained results; the oldest go first.",
       [](Config& c, const ConfigValue& v) { c.dispatch.results_max_bytes = As<size_t>(v); }},
      {"limits.max_payload_bytes", "bytes", Whole(1, 64 * kMiB), "4194304", kRestart,
       "Longest payload, and longest output, of one task.",
       [](Config& c, const ConfigValue& v) {
         c.dispatch.max_payload_bytes = As<size_t>(v);
         c.core.max_output_bytes = As<size_t>(v);
         c.rpc.max_payload_bytes = As<size_t>(v);
       }},
      {"limits.max_in_flight_bytes", "bytes", Whole(1, kTiB), "268435456", kLive,
       "Payloads and labels of all queued and running tasks, and answers that clients have not "
       "read.",
       [](Config& c, const ConfigValue& v) { c.dispatch.max_in_flight_bytes = As<size_t>(v); }},
      {"limits.max_wait_s", "seconds", Whole(1, 86'400), "300", kLive,
       "Longest time one WaitTask waits.",
       [](Config& c, const ConfigValue& v) { c.dispatch.max_wait_ns = SecondsAsNs(v); }},
      {"limits.max_waiters", "calls", Whole(1, 1'000'000), "10000", kLive,
       "WaitTask calls that wait at once.",
       [](Config& c, const ConfigValue& v) { c.dispatch.max_waiters = As(v); }},
      {"limits.max_watchers", "calls", Whole(1, 1'000), "16", kRestart,
       "WatchStats calls open at once; WatchTasks calls likewise.",
       [](Config& c, const ConfigValue& v) { c.rpc.max_watchers = As<size_t>(v); }},
      {"limits.max_streams", "streams", Whole(1, 10'000), "256", kRestart,
       "StreamTasks calls open at once.",
       [](Config& c, const ConfigValue& v) { c.rpc.max_streams = As<size_t>(v); }},
      {"limits.max_watcher_events", "events", Whole(1, 1'000'000), "4096", kRestart,
       "Events that wait until a WatchTasks call reads them; it misses further ones.",
       [](Config& c, const ConfigValue& v) { c.rpc.watch_events_max = As<size_t>(v); }},
      {"limits.max_calls", "calls", Whole(1, 1'000'000), "65536", kRestart,
       "Calls of each task method being answered at once.",
       [](Config& c, const ConfigValue& v) { c.rpc.max_calls = As<size_t>(v); }},
      {"limits.max_calls_posted", "calls", Whole(1, 4'096), "32", kRestart,
       "Calls of each kind that are ready to be taken at once.",
       [](Config& c, const ConfigValue& v) { c.rpc.max_calls_posted = As<size_t>(v); }},
  };
}

std::vector<ConfigRow> HandlerRows() {
  return {
      {"handlers.file_root", "path", Path(kPathMost), "\"\"", kRestart,
       "Directory that file.read, file.hash and file.write work beneath; without one they fail "
       "every task.",
       [](Config& c, const ConfigValue& v) { c.handlers.file_root = AsText(v); }},
      {"handlers.net_allow",
       "hosts",
       {.kind = Kind::kHostList, .most = kHostsMost},
       "[]",
       kRestart,
       "Hosts that tcp.request and http.get may talk to, on any port unless one is given; with "
       "none "
       "they fail every task.",
       [](Config& c, const ConfigValue& v) { c.handlers.net_allow = AsHosts(v); }},
      {"handlers.net_max_bytes", "bytes", Whole(1, 64 * kMiB), "1048576", kRestart,
       "Longest answer that tcp.request and http.get take; limits.max_payload_bytes holds, too.",
       [](Config& c, const ConfigValue& v) { c.handlers.net_max_bytes = As<size_t>(v); }},
      {"handlers.net_time_limit_ms", "milliseconds", Whole(1, 3'600'000), "10000", kRestart,
       "How long tcp.request and http.get may take, from looking the host up to the last byte.",
       [](Config& c, const ConfigValue& v) {
         c.handlers.net_time_limit_ns = As<int64_t>(v) * kMillisecondNs;
       }},
      {"io.backend", "", Choice(kIoBackends), "\"auto\"", kRestart,
       "How files and sockets are worked on: auto: io_uring where the kernel grants it, else "
       "threads.",
       [](Config& c, const ConfigValue& v) { c.io.backend = AsEnum<IoChoice>(kIoBackends, v); }},
      {"io.ring_entries", "operations", Whole(8, 4'096), "256", kRestart,
       "File operations under way at once, of each core; what comes beyond waits.",
       [](Config& c, const ConfigValue& v) { c.io.ring_entries = As(v); }},
      {"io.threads", "threads", Whole(1, 256), "4", kRestart,
       "Threads that work on files where io_uring is not used, shared by all cores; with it, at "
       "most two, which only fetch what large files need.",
       [](Config& c, const ConfigValue& v) { c.io.threads = As(v); }},
  };
}

std::vector<ConfigRow> DaemonRows() {
  return {
      {"daemon.drain_limit_s", "seconds", Whole(0, 3'600), "10", kLive,
       "How long held work may take to finish at shutdown before it is cancelled.",
       [](Config& c, const ConfigValue& v) { c.daemon.drain_limit_ns = SecondsAsNs(v); }},
      {"log.level", "", Choice(kLogLevels), "\"info\"", kLive, "Least severity that is logged.",
       [](Config& c, const ConfigValue& v) {
         c.daemon.log_level = AsEnum<LogLevel>(kLogLevels, v);
       }},
      {"log.format", "", Choice(kLogFormats), "\"text\"", kLive,
       "One key=value line or one JSON object for each event.",
       [](Config& c, const ConfigValue& v) {
         c.daemon.log_format = AsEnum<LogFormat>(kLogFormats, v);
       }},
      {"security.insecure", "", Flag(), "false", kRestart,
       "Allows listening beyond loopback although nothing is encrypted or authenticated.",
       [](Config& c, const ConfigValue& v) { c.daemon.insecure = AsFlag(v); }},
  };
}

std::vector<ConfigRow> AllRows() {
  std::vector<ConfigRow> all;
  for (std::vector<ConfigRow>& part :
       std::array{ExecutorRows(), StackRows(), BlockingRows(), ListenerRows(), BoundRows(),
                  HandlerRows(), DaemonRows()}) {
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

absl::Span<const ConfigRow> ConfigRows() {
  static const std::vector<ConfigRow>& rows = *new std::vector<ConfigRow>(AllRows());
  return rows;
}

}  // namespace weft
