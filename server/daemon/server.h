#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "config/config.h"
#include "config/loader.h"
#include "core/core.h"
#include "core/core_metrics.h"
#include "core/doorbell.h"
#include "core/io_metrics.h"
#include "daemon/config_reloader.h"
#include "daemon/core_executors.h"
#include "daemon/dispatch_log.h"
#include "daemon/drain.h"
#include "daemon/inherited_sockets.h"
#include "daemon/library_log.h"
#include "daemon/listen_guard.h"
#include "daemon/log.h"
#include "daemon/metrics_page.h"
#include "daemon/notify.h"
#include "daemon/notify_thread.h"
#include "daemon/process_metrics.h"
#include "daemon/signals.h"
#include "dispatch/dispatcher.h"
#include "dispatch/door.h"
#include "dispatch/entry_lookup.h"
#include "dispatch/lent_door.h"
#include "dispatch/steering.h"
#include "handlers/builtin/file_permits.h"
#include "handlers/registry.h"
#include "rpc/listen_socket.h"
#include "rpc/rpc_server.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"
#include "sys/topology.h"
#include "web/http_server.h"

namespace weft {

// The daemon: owns everything, top to bottom, in the order in which it starts; it ends in reverse.
// Made, started and run by main, on the thread that becomes the Door.
class Server {
 public:
  // The thread that calls has not started any other yet.
  // sources: what the configuration was loaded from, to be read again by a reload.
  Server(LoadedConfig loaded, ConfigSources sources, std::string version);
  ~Server();

  // Starts everything up to the line that says ready. An error has told nobody yet; see exit_code.h
  // for what it makes of the process.
  absl::Status Start();
  // Serves until a drain is over; returns the exit code. A second signal ends the process here.
  int Run();

  // After Start. As bound: "127.0.0.1:7411", "unix:/run/weft/weftd.sock".
  const std::vector<std::string>& rpc_addresses() const { return rpc_->addresses(); }
  // After Start. "http://127.0.0.1:7412"; empty when there is none.
  std::string web_address() const;
  bool HasHandler(std::string_view name) const { return handlers_.Find(name) != nullptr; }

 private:
  // The registry as the Dispatcher sees it.
  class Lookup final : public EntryLookup {
   public:
    explicit Lookup(const HandlerRegistry& registry) : registry_(registry) {}
    const TaskEntry* Find(std::string_view name) const override { return registry_.Find(name); }
    std::string_view Nearest(std::string_view name) const override {
      return registry_.Nearest(name);
    }

   private:
    const HandlerRegistry& registry_;
  };

  // What a reload came to, as AdminService tells it.
  static ReloadResult ToReloadResult(const ReloadOutcome& outcome);

  // The steps of Start.
  absl::Status ChooseCpus();
  void ChooseDoorThread();
  absl::Status TakeListeners();
  absl::Status CheckListeners();
  absl::Status GuardUnixSocket();
  absl::Status OpenFiles();
  absl::Status StartCores();
  absl::Status StartRpc();
  absl::Status StartWeb();
  absl::Status StartWatches();
  absl::Status StartDispatchLog();
  absl::Status StartReloader();
  void LogStart() const;
  void WarnOfLimits() const;
  // Door thread only. Takes over the live keys.
  void ApplyLive(const Config& config);

  ServiceReport MakeServiceReport();

  // Any thread.
  ServiceReading ReadService() const;
  void OnSignal(int signal);
  void BeginDrain(std::string_view cause);

  std::string_view ExecutorName() const;  // As executor.kind spells it.
  std::vector<std::string> HandlerNames() const;
  void LogLeft();
  void LogCounts(std::string_view event);

  Config config_;        // As at the start.
  LoadedConfig loaded_;  // The reloader's, once it runs.
  ConfigSources sources_;
  const std::string version_;
  const int64_t began_ns_;
  mutable Log log_;
  LibraryLog library_log_;
  const Notifier notifier_;
  Drain drain_;
  sys::Fd file_root_;  // Invalid: handlers.file_root is not set.
  std::optional<FilePermits> file_permits_;
  HandlerRegistry handlers_;
  const Lookup lookup_;
  sys::Topology topology_;               // Of the CPUs allowed at the start.
  std::vector<int> cpus_;                // One core each.
  std::vector<int> front_cpus_;          // Of the Door, gRPC and all other threads.
  bool lends_door_ = false;              // To the only core's thread.
  std::vector<ListenSocket> inherited_;  // Until the gRPC server has them.
  std::atomic<int64_t> drain_limit_ns_;
  TurnBudget budget_;  // Door thread only. As the configuration had it last.
  std::optional<UnixSocketLock> socket_lock_;
  sys::Clock clock_;
  sys::ProdEnv env_;
  std::unique_ptr<sys::IoSystem> io_;
  Doorbell doorbell_;
  std::optional<LentDoor<sys::ProdEnv>> lent_door_;  // None: the Door keeps to its own thread.
  std::optional<CoreExecutors> executors_;
  std::vector<std::unique_ptr<Core<sys::ProdEnv>>> cores_;  // Then the blocking pool's.
  std::optional<Dispatcher<sys::ProdEnv>> dispatcher_;
  std::optional<ProdSteering> steering_;
  std::optional<RpcServer> rpc_;
  std::optional<Door> door_;
  std::optional<CoreMetrics> core_metrics_;
  std::optional<IoMetrics> io_metrics_;
  std::optional<DispatchLog> dispatch_log_;
  std::optional<ConfigReloader> reloader_;
  std::optional<ProcessMetrics> process_metrics_;
  std::optional<MetricsPage> metrics_page_;
  std::unique_ptr<HttpServer> web_;
  std::optional<NotifyThread> notify_thread_;  // None when no service manager listens.
  std::optional<SignalWatcher> signals_;
};

}  // namespace weft
