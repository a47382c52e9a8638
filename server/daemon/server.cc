#include "daemon/server.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/core_grants.h"
#include "daemon/exit_code.h"
#include "daemon/limit_warnings.h"
#include "daemon/machine_check.h"
#include "daemon/pool_core.h"
#include "handlers/builtin/builtin.h"
#include "sys/stack_trace.h"
#include "sys/thread.h"
#include "sys/topology.h"
#include "task/limits.h"

namespace weft {
namespace {

// How long answers given before the end may take to reach their callers.
constexpr int64_t kHandOverNs = 2'000'000'000;
// What an end may take besides its own limits: joining threads and freeing memory on a busy
// machine.
constexpr int64_t kEndSlackNs = 5'000'000'000;
// How long a thread may take to tell where it is: it may wait for a disk meanwhile.
constexpr int64_t kTraceTimeoutNs = 100'000'000;
// From the handler to the core's run loop it takes a handful.
constexpr size_t kTracedFrames = 12;

int64_t ClockNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string ReadEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Server::Server(LoadedConfig loaded, ConfigSources sources, std::string version)
    : config_(loaded.config),
      loaded_(std::move(loaded)),
      sources_(std::move(sources)),
      version_(std::move(version)),
      began_ns_(ClockNs(CLOCK_MONOTONIC)),
      log_(config_.daemon.log_level, config_.daemon.log_format),
      library_log_(log_, [] { return ClockNs(CLOCK_MONOTONIC); }),
      lookup_(handlers_),
      drain_limit_ns_(config_.daemon.drain_limit_ns),
      budget_(config_.core.budget),
      env_(clock_.anchor()) {}

// Calls hold the payloads of tasks, so no core may run any more when they go.
Server::~Server() {
  for (const auto& core : cores_) core->Stop();
}

absl::Status Server::Start() {
  library_log_.Attach();
  if (absl::Status status = ChooseCpus(); !status.ok()) return status;
  if (absl::Status status = OpenFiles(); !status.ok()) return status;
  if (absl::Status status = TakeListeners(); !status.ok()) return status;
  if (absl::Status status = CheckListeners(); !status.ok()) return status;
  if (absl::Status status = GuardUnixSocket(); !status.ok()) return status;
  if (config_.rpc.listen.empty() && config_.rpc.unix_socket.empty() && inherited_.empty()) {
    return absl::InvalidArgumentError(
        "rpc.listen: [] is not right while there is no place for a unix socket, as nobody could "
        "reach the daemon; expected an address");
  }
  if (absl::Status status = StartCores(); !status.ok()) return status;
  if (absl::Status status = StartRpc(); !status.ok()) return status;
  if (absl::Status status = StartWatches(); !status.ok()) return status;
  if (absl::Status status = StartWeb(); !status.ok()) return status;
  LogStart();
  WarnOfLimits();
  rpc_->set_ready_at_ns(ClockNs(CLOCK_REALTIME));
  const int64_t took_ms = (ClockNs(CLOCK_MONOTONIC) - began_ns_) / 1'000'000;
  if (drain_.Ready()) log_.Info(absl::StrCat("ready in ", took_ms, " ms"));
  if (notify_thread_) notify_thread_->Hurry();
  return absl::OkStatus();
}

// Threads started from here on inherit the front's mask; the cores pin themselves.
absl::Status Server::ChooseCpus() {
  absl::StatusOr<std::vector<int>> allowed = sys::AllowedCpus();
  if (!allowed.ok()) return allowed.status();
  topology_ = sys::ReadTopology(*allowed);
  if (!topology_.untold.empty()) {
    log_.Warn("topology_unknown", {{"file", topology_.untold},
                                   {"meaning", "CPUs of unknown place count as of package 0"}});
  }
  absl::StatusOr<std::vector<int>> chosen =
      sys::ChooseCores({.cores = config_.cores.cpus,
                        .worker_threads = config_.cores.worker_threads,
                        .most = kMaxCores},
                       topology_.cpus);
  // What the configuration names is well formed by now; it is the machine that does not grant it.
  if (!chosen.ok()) return absl::UnavailableError(chosen.status().message());
  cpus_ = *std::move(chosen);
  front_cpus_ = sys::FrontCpus(*allowed, cpus_);
  ChooseDoorThread();
  const bool is_shared = std::any_of(cpus_.begin(), cpus_.end(), [this](int cpu) {
    return std::find(front_cpus_.begin(), front_cpus_.end(), cpu) != front_cpus_.end();
  });
  // The two as one thread take turns, and only share with others where there is no other CPU.
  const bool concedes = lends_door_ ? allowed->size() == 1 : is_shared;
  for (const CoreConcession& concession : ConcedeCpus(concedes, &config_)) {
    log_.Warn("setting_changed", {{"key", concession.key},
                                  {"from", concession.from},
                                  {"to", concession.to},
                                  {"reason", concession.reason}});
  }
  return sys::PinThisThread(front_cpus_);
}

void Server::ChooseDoorThread() {
  const bool is_one = cpus_.size() == 1;
  if (config_.cores.door == DoorThread::kCore && !is_one) {
    log_.Warn("setting_changed", {{"key", "executor.door"},
                                  {"from", "core"},
                                  {"to", "own"},
                                  {"reason", "there are several cores"}});
  }
  lends_door_ = is_one && (config_.cores.door == DoorThread::kCore ||
                           (config_.cores.door == DoorThread::kAuto && front_cpus_ == cpus_));
  if (lends_door_) lent_door_.emplace(env_);
}

// What the service manager has opened takes the place of what the configuration names.
absl::Status Server::TakeListeners() {
  absl::StatusOr<InheritedListeners> listeners =
      SortInheritedSockets(TakeInheritedSockets(), config_.daemon.insecure);
  if (!listeners.ok()) return listeners.status();
  if (!listeners->rpc.empty()) config_.rpc.listen.clear();
  if (!listeners->local.empty()) config_.rpc.unix_socket.clear();
  for (std::vector<ListenSocket>* of : {&listeners->rpc, &listeners->local}) {
    for (ListenSocket& listener : *of) {
      log_.Info("inherited", {{"fd", listener.fd.get()}, {"address", listener.address}});
      inherited_.push_back(std::move(listener));
    }
  }
  return absl::OkStatus();
}

absl::Status Server::CheckListeners() {
  for (const std::string& text : config_.rpc.listen) {
    absl::Status status = CheckFree("rpc.listen", *ParseListenAddress(text));
    if (!status.ok()) return status;
  }
  if (!config_.web.listen.empty()) {
    absl::Status status = CheckFree("web.listen", *ParseListenAddress(config_.web.listen));
    if (!status.ok()) return status;
  }
  if (config_.daemon.insecure) {
    log_.Warn("insecure", {{"key", "security.insecure"},
                           {"meaning",
                            "addresses beyond loopback are allowed; nothing is "
                            "encrypted and nobody is authenticated"}});
  }
  return absl::OkStatus();
}

absl::Status Server::GuardUnixSocket() {
  const bool is_auto = config_.rpc.unix_socket == "auto";
  std::string& path = config_.rpc.unix_socket;
  path = ResolveUnixSocket(path, ReadEnvironment, geteuid() == 0);
  if (path.empty()) return absl::OkStatus();
  absl::StatusOr<UnixSocketLock> lock = UnixSocketLock::Acquire(path);
  if (!lock.ok() && is_auto && !absl::IsUnavailable(lock.status())) {
    // Nobody asked for this socket, so a machine without a place for it is no error.
    log_.Warn("no_unix_socket", {{"reason", std::string(lock.status().message())}});
    path.clear();
    return absl::OkStatus();
  }
  if (!lock.ok()) return lock.status();
  socket_lock_.emplace(*std::move(lock));
  config_.rpc.unix_socket_mode = socket_lock_->mode();
  return absl::OkStatus();
}

absl::Status Server::OpenFiles() {
  if (!config_.handlers.file_root.empty()) {
    absl::StatusOr<sys::Fd> root = OpenFileRoot(config_.handlers.file_root);
    if (!root.ok()) return root.status();
    file_root_ = *std::move(root);
  }
  sys::RaiseOpenFiles();
  file_permits_.emplace(MostFileTasks(config_, cpus_.size(), sys::ReadMachineLimits("")));
  const FileAccess files = {.root_fd = file_root_.get(),
                            .max_output_bytes = config_.core.max_output_bytes,
                            .permits = &*file_permits_};
  const NetAccess net = {.allow = config_.handlers.net_allow,
                         .max_bytes = config_.handlers.net_max_bytes,
                         .time_limit_ns = config_.handlers.net_time_limit_ns,
                         .max_output_bytes = config_.core.max_output_bytes,
                         .permits = &*file_permits_};
  return RegisterBuiltinHandlers(handlers_, files, net);
}

absl::Status Server::StartCores() {
  auto io = sys::IoSystem::Open(config_.io, cpus_.size(), front_cpus_);
  if (!io.ok()) return io.status();
  io_ = *std::move(io);
  if (!io_->fallback_reason().empty()) {
    log_.Warn("io_fallback", {{"backend", io_->backend()}, {"reason", io_->fallback_reason()}});
  }
  const sys::ProdEnv env(clock_.anchor(), io_.get());
  CoreOptions options = config_.core;
  options.handler_count = static_cast<uint32_t>(handlers_.rows().size());
  executors_.emplace(config_.dispatch.executor_kind, cpus_.size());
  std::vector<Core<sys::ProdEnv>*> cores;
  for (const int cpu : cpus_) {
    options.index = static_cast<uint32_t>(cores_.size());
    options.cpu = cpu;
    options.package = topology_.Find(cpu)->package;
    options.numa_node = topology_.Find(cpu)->numa_node;
    options.keeps_to_node = topology_.node_count > 1;
    cores_.push_back(std::make_unique<Core<sys::ProdEnv>>(options, env, doorbell_));
    cores.push_back(cores_.back().get());
    if (lent_door_) {
      lent_door_->set_core(*cores.back());
      lent_door_->set_stall_threshold_ms(options.stall_threshold_ms);
      cores.back()->set_guest(*lent_door_);
    }
    if (absl::Status status = cores_.back()->Start(); !status.ok()) return status;
  }
  CoreOptions pool = PoolCoreOptions(config_);
  pool.index = static_cast<uint32_t>(cores_.size());
  pool.handler_count = options.handler_count;
  cores_.push_back(std::make_unique<Core<sys::ProdEnv>>(pool, env_, doorbell_));
  cores.push_back(cores_.back().get());
  if (absl::Status status = cores_.back()->Start(); !status.ok()) return status;
  dispatcher_.emplace(config_.dispatch, cores, lookup_, env_);
  if (!executors_->all().empty()) dispatcher_->UseExecutors(executors_->all(), ExecutorName());
  steering_.emplace(*dispatcher_, lookup_, HandlerNames());
  return absl::OkStatus();
}

absl::Status Server::StartRpc() {
  AdminInfo info;
  info.version = version_;
  info.io_backend = io_->backend();
  info.io_fallback_reason = io_->fallback_reason();
  info.executor_kind = ExecutorName();
  info.request_drain = [this] {
    if (drain_.RequestOnce() == DrainAction::kBegin) BeginDrain("DrainServer");
  };
  info.request_reload = [this](AdminInfo::ReloadAnswer answer) {
    reloader_->Request("ReloadConfig", [answer = std::move(answer)](const ReloadOutcome& outcome) {
      answer(ToReloadResult(outcome));
    });
  };
  for (const HandlerRegistry::Row& row : handlers_.rows()) {
    info.handlers.push_back({std::string(row.handler->help()), row.entry.never_suspends});
  }
  rpc_.emplace(config_.rpc, *dispatcher_, *steering_, std::move(info));
  rpc_->Adopt(std::move(inherited_));
  // Before the first core can ring.
  doorbell_.argument = &rpc_->source();
  doorbell_.ring = [](void* source) { static_cast<DoorSource*>(source)->Ring(); };
  door_.emplace(rpc_->source(), *dispatcher_, doorbell_, env_, config_.core.idle,
                config_.core.spin_us);
  door_->set_drain_limit_ns(config_.daemon.drain_limit_ns);
  door_->set_clock(clock_);
  if (lent_door_) door_->set_lent(*lent_door_);
  return rpc_->Start();
}

absl::Status Server::StartWatches() {
  std::vector<CoreMetrics::CoreRow> rows;
  for (const auto& core : cores_) {
    rows.push_back({.cpu = core->options().cpu,
                    .stats = &core->stats(),
                    .stacks = core->options().stacks,
                    .pool = core->options().is_pool() ? &core->blocking() : nullptr});
  }
  core_metrics_.emplace(std::move(rows), HandlerNames());
  std::vector<IoMetrics::CoreRow> io_rows;
  for (const auto& core : cores_) {
    if (!core->options().is_pool()) {
      io_rows.push_back({core->options().cpu, &core->stats().io});
    }
  }
  io_metrics_.emplace(std::move(io_rows), std::string(io_->backend()), &cores_.back()->blocking());
  if (absl::Status status = StartDispatchLog(); !status.ok()) return status;
  if (absl::Status status = StartReloader(); !status.ok()) return status;
  process_metrics_.emplace([this] { return *drain_.unreadiness() == '\0'; });
  metrics_page_.emplace(
      version_, std::vector<const MetricSource*>{
                    &*process_metrics_, &dispatcher_->stats(), &*steering_, &rpc_->metrics(),
                    &*core_metrics_, &*io_metrics_, &*dispatch_log_, &*reloader_, &*file_permits_});
  if (notifier_.has_listener()) {
    notify_thread_.emplace(MakeServiceReport(), [this] { return ReadService(); });
    if (absl::Status status = notify_thread_->Start(); !status.ok()) return status;
  }
  signals_.emplace([this](int signal) { OnSignal(signal); });
  return signals_->Start();
}

absl::Status Server::StartDispatchLog() {
  if (absl::Status status = sys::PrepareStackCapture(); !status.ok()) return status;
  DispatchLog::Options options;
  options.handler_names = HandlerNames();
  options.trace = [](int thread_id) {
    return sys::DescribeStack(sys::CaptureStack(thread_id, kTraceTimeoutNs), kTracedFrames);
  };
  options.lasts = [this](const Stall& stall) {
    const Core<sys::ProdEnv>& core = *cores_[stall.core];
    const bool in_pool = core.options().is_pool();
    return (in_pool ? core.blocking().thread(stall.thread).running() : core.running()) ==
           stall.holder;
  };
  options.now_ns = [] { return ClockNs(CLOCK_MONOTONIC); };
  dispatch_log_.emplace(std::move(options), log_);
  dispatcher_->set_observer(*dispatch_log_);
  return dispatch_log_->Start();
}

absl::Status Server::StartReloader() {
  ConfigReloader::Options options;
  options.sources = sources_;
  options.running = std::move(loaded_);
  options.warn = [this](const LoadedConfig& fresh) {
    // What a restart would get of the two that are granted only then cannot be tried beside these.
    return MachineWarnings(fresh, {.cpus = topology_.cpus});
  };
  options.apply = [this](const Config& config) { ApplyLive(config); };
  options.post = [this](DoorErrand& errand) { return door_->Post(errand); };
  options.unix_time_s = [] { return ClockNs(CLOCK_REALTIME) / 1'000'000'000; };
  options.before = [this] { notifier_.Reloading(ClockNs(CLOCK_MONOTONIC)); };
  options.after = [this] { notifier_.Reloaded(); };
  reloader_.emplace(std::move(options), log_);
  return reloader_->Start();
}

// Each live key has its line here.
void Server::ApplyLive(const Config& config) {
  log_.Reconfigure(config.daemon.log_level, config.daemon.log_format);
  drain_limit_ns_.store(config.daemon.drain_limit_ns);
  door_->set_drain_limit_ns(config.daemon.drain_limit_ns);
  dispatcher_->Reconfigure(config.dispatch, config.core.stall_threshold_ms);
  if (lent_door_) lent_door_->set_stall_threshold_ms(config.core.stall_threshold_ms);
  // SetBudget goes over the configuration, until that asks for something else.
  const bool is_new_budget = std::exchange(budget_, config.core.budget) != config.core.budget;
  for (const auto& core : cores_) {
    if (is_new_budget) core->SetBudget(config.core.budget);
    core->SetAgeLimitMs(config.core.age_limit_ms);
  }
}

ReloadResult Server::ToReloadResult(const ReloadOutcome& outcome) {
  ReloadResult result;
  result.status = outcome.status();
  if (!outcome.ok()) return result;
  const auto copy = [](const std::vector<ConfigChange>& from,
                       std::vector<ReloadResult::Change>* to) {
    for (const ConfigChange& change : from) {
      to->push_back({std::string(change.key), change.old_value, change.new_value});
    }
  };
  copy(outcome->applied, &result.applied);
  copy(outcome->needs_restart, &result.needs_restart);
  result.warnings = outcome->warnings;
  return result;
}

ServiceReport Server::MakeServiceReport() {
  ServiceReport::Options options;
  options.watchdog_interval_ns = WatchdogIntervalNs();
  options.cpus = cpus_;
  return ServiceReport(std::move(options), notifier_, log_);
}

ServiceReading Server::ReadService() const {
  const DispatchStats& stats = dispatcher_->stats();
  ServiceReading reading;
  reading.phase = drain_.phase();
  reading.stop_limit_ns = drain_limit_ns_.load() + Door::kStopGraceNs + kHandOverNs + kEndSlackNs;
  reading.ended = stats.Ended();
  // The two are read apart.
  reading.in_flight = std::max(stats.accepted.value(), reading.ended) - reading.ended;
  reading.door.beats = stats.door.rounds.value();
  const auto lends_to = [this](const Core<sys::ProdEnv>& core) {
    return lent_door_ && !core.options().is_pool() && lent_door_->is_resting();
  };
  for (const auto& core : cores_) {
    const CoreStats& counts = core->stats();
    const LifeSign sign = {.beats = counts.turns.value() + counts.beats.value(),
                           .resting = core->asleep() || lends_to(*core),
                           .held = core->running().entry != nullptr};
    if (!core->options().is_pool()) {
      reading.cores.push_back(sign);
    } else {
      reading.pool = sign;
    }
  }
  return reading;
}

absl::Status Server::StartWeb() {
  if (config_.web.listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<HttpServer>> web =
      HttpServer::Start(config_.web, {[this] { return metrics_page_->Render(); },
                                      [this] { return std::string(drain_.unreadiness()); }});
  if (!web.ok()) return web.status();
  web_ = *std::move(web);
  return absl::OkStatus();
}

void Server::LogStart() const {
  std::vector<sys::CpuPlace> places;
  for (const int cpu : cpus_) places.push_back(*topology_.Find(cpu));
  log_.Info("weftd", {{"version", version_}, {"pid", getpid()}});
  log_.Info("clock", {{"source", clock_.uses_tsc() ? "tsc" : "clock_monotonic"}});
  log_.Info("cores", {{"count", cpus_.size()},
                      {"cpus", absl::StrJoin(cpus_, ",")},
                      {"places", sys::FormatPlaces(places)},
                      {"numa_nodes", topology_.node_count},
                      {"door_cpus", sys::FormatCpus(front_cpus_)},
                      {"door", lends_door_ ? "core" : "own"},
                      {"executor", ExecutorName()},
                      {"idle", IdleName(config_.core.idle)},
                      {"spin_us", config_.core.spin_us},
                      {"stacks", config_.core.stacks},
                      {"stack_bytes", config_.core.stack_bytes},
                      {"stacks_kept", config_.core.stacks_kept},
                      {"realtime", config_.core.realtime},
                      {"lock_memory", config_.core.lock_memory}});
  log_.Info("blocking_pool", {{"threads_max", config_.blocking.threads_max},
                              {"max_queue_depth", config_.dispatch.blocking_queue_depth}});
  log_.Info("io", {{"backend", io_->backend()},
                   {"ring_entries", config_.io.ring_entries},
                   {"threads", io_->threads()},
                   {"file_root", config_.handlers.file_root}});
  log_.Info("handlers",
            {{"count", handlers_.rows().size()}, {"names", absl::StrJoin(HandlerNames(), ",")}});
  log_.Info("limits", {{"max_queue_depth", config_.dispatch.max_queue_depth},
                       {"max_payload_bytes", config_.dispatch.max_payload_bytes},
                       {"max_in_flight_bytes", config_.dispatch.max_in_flight_bytes},
                       {"max_waiters", config_.dispatch.max_waiters},
                       {"max_streams", config_.rpc.max_streams},
                       {"results_max_count", config_.dispatch.results_max_count},
                       {"results_max_bytes", config_.dispatch.results_max_bytes}});
  for (const std::string& address : rpc_->addresses()) {
    log_.Info("listening", {{"rpc", address}});
  }
  if (web_ != nullptr) log_.Info("listening", {{"web", web_address()}});
}

std::string Server::web_address() const {
  if (web_ == nullptr) return "";
  const std::string& text = config_.web.listen;
  return absl::StrCat("http://", text.substr(0, text.rfind(':') + 1), web_->port());
}

void Server::WarnOfLimits() const {
  std::vector<CoreGrant> grants;
  for (const auto& core : cores_) {
    if (core->options().is_pool()) continue;
    const CoreStats& stats = core->stats();
    grants.push_back({.cpu = core->options().cpu,
                      .realtime = core->realtime_status(),
                      .lockable_bytes = static_cast<uint64_t>(stats.lockable_bytes.value()),
                      .locked_bytes = static_cast<uint64_t>(stats.locked_bytes.value()),
                      .numa_node = core->options().numa_node,
                      .node_bytes = static_cast<uint64_t>(stats.node_bytes.value()),
                      .off_node_bytes = static_cast<uint64_t>(stats.off_node_bytes.value())});
  }
  const sys::MachineLimits limits = sys::ReadMachineLimits("");
  std::vector<LimitWarning> warnings = LimitWarnings(config_, cpus_.size(), limits);
  for (LimitWarning& warning : GrantWarnings(grants, limits)) {
    warnings.push_back(std::move(warning));
  }
  for (const LimitWarning& warning : warnings) {
    log_.Warn("limit_low", {{"limit", warning.limit},
                            {"granted", warning.granted},
                            {"needed", warning.needed},
                            {"because", warning.because},
                            {"fix", warning.fix}});
  }
}

int Server::Run() {
  door_->Run();
  drain_.Ended();
  const bool is_clean = door_->left() == 0;
  if (!is_clean) LogLeft();
  rpc_->Shutdown(kHandOverNs);
  LogCounts(is_clean ? "drained" : "gave_up");
  if (is_clean) return kExitDrained;
  // A handler still runs on its stack; nothing is destroyed underfoot.
  std::_Exit(kExitAtOnce);
}

void Server::OnSignal(int signal) {
  if (signal == SIGHUP) {
    reloader_->Request("SIGHUP", {});
    return;
  }
  const char* const name = signal == SIGTERM ? "SIGTERM" : "SIGINT";
  switch (drain_.Request()) {
    case DrainAction::kBegin:
      BeginDrain(name);
      return;
    case DrainAction::kExitNow:
      log_.Warn("exit_at_once", {{"cause", name}});
      std::_Exit(kExitAtOnce);
    case DrainAction::kNone:
      return;
  }
}

void Server::BeginDrain(std::string_view cause) {
  log_.Info("draining", {{"cause", cause}, {"limit_s", drain_limit_ns_.load() / 1'000'000'000}});
  door_->RequestDrain();
  if (notify_thread_) notify_thread_->Hurry();
  // A sleeping Door would notice by itself, but later.
  doorbell_.RingIfParked();
}

std::string_view Server::ExecutorName() const {
  return ExecutorKindName(config_.dispatch.executor_kind);
}

std::vector<std::string> Server::HandlerNames() const {
  std::vector<std::string> names;
  for (const HandlerRegistry::Row& row : handlers_.rows()) names.emplace_back(row.handler->name());
  return names;
}

void Server::LogLeft() {
  const auto log = [this](const RunningHandler& running, const LogField& where) {
    if (running.entry == nullptr) return;
    log_.Error("left_running",
               {{"handler", handlers_.rows()[running.entry->index].handler->name()}, where});
  };
  for (const auto& core : cores_) {
    log(core->running(), {"cpu", core->options().cpu});
    for (size_t i = 0; i < core->options().blocking.threads_max; ++i) {
      log(core->blocking().thread(i).running(), {"thread", absl::StrCat("weft-block-", i)});
    }
  }
}

void Server::LogCounts(std::string_view event) {
  const StatsSnapshot counts = dispatcher_->Snapshot();
  log_.Info(event, {{"accepted", counts.accepted},
                    {"succeeded", counts.succeeded},
                    {"failed", counts.failed},
                    {"cancelled", counts.cancelled},
                    {"expired", counts.expired},
                    {"in_flight", counts.in_flight},
                    {"refused", counts.refused}});
}

}  // namespace weft
