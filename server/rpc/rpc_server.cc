#include "rpc/rpc_server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "grpc/health/v1/health.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "rpc/channelz_service.h"
#include "rpc/completion_source.h"
#include "rpc/connection_acceptor.h"
#include "rpc/health_service.h"
#include "rpc/reflection_service.h"
#include "rpc/rpc_stats.h"
#include "rpc/task_service.h"

namespace weft {
namespace {

constexpr char kTaskServiceName[] = "weft.v1.TaskService";
constexpr char kAdminServiceName[] = "weft.v1.AdminService";
constexpr char kHealthServiceName[] = "grpc.health.v1.Health";
constexpr char kChannelzServiceName[] = "grpc.channelz.v1.Channelz";
// Of one connection; clients with more calls open wait on their side.
constexpr int kCallsPerConnectionMax = 16'384;
constexpr int64_t kShutdownPollNs = 10'000'000;
// So long a shutdown waits for watchers that do not read what they are told.
constexpr std::chrono::milliseconds kWatchGrace{200};

}  // namespace

struct RpcServer::Parts final : public RoundListener {
  Parts(RpcOptions options_in, ProdDispatcher& dispatcher, ProdSteering& steering, AdminInfo info)
      : options(std::move(options_in)),
        context{options, dispatcher, source},
        tasks(context),
        admin(context, steering, std::move(info)),
        channelz(source, options.max_calls),
        health(source, {kTaskServiceName, kAdminServiceName}, options.max_watches,
               options.max_calls),
        reflection(source,
                   {kTaskServiceName, kAdminServiceName, kHealthServiceName, kChannelzServiceName},
                   options.max_reflections) {}

  // Every round: a drain that has begun is told to those who watch.
  void EndOfRound(bool /*before_sleep*/) override {
    stats.calls.Set(static_cast<int64_t>(tasks.busy_calls()));
    stats.streams.Set(static_cast<int64_t>(tasks.open_streams()));
    stats.stats_watchers.Set(static_cast<int64_t>(admin.watchers()));
    stats.task_watchers.Set(static_cast<int64_t>(tasks.open_watches()));
    stats.watchers_max.Set(static_cast<int64_t>(options.max_watchers));
    stats.missed_events.Set(static_cast<int64_t>(tasks.missed_events()));
    stats.streams_max.Set(static_cast<int64_t>(options.max_streams));
    if (told_draining || !context.dispatcher.draining()) return;
    told_draining = true;
    health.SetNotServing();
    if (!context.dispatcher.HasOpen()) admin.EndWatches();
  }

  absl::Status Listen();
  absl::Status Build();

  const RpcOptions options;
  CompletionSource source;
  const RpcContext context;
  TaskService tasks;
  AdminService admin;
  ChannelzService channelz;
  HealthService health;
  ReflectionService reflection;
  std::vector<ListenSocket> sockets;  // Until they are served.
  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> addresses;
  RpcStats stats;
  std::optional<ConnectionAcceptor> acceptor;  // Of all sockets.
  bool told_draining = false;
};

// Adds to what was inherited.
absl::Status RpcServer::Parts::Listen() {
  for (const ListenSocket& socket : sockets) addresses.push_back(socket.address);
  for (const std::string& address : options.listen) {
    absl::StatusOr<std::vector<ListenSocket>> opened = ListenOnTcp(address);
    if (!opened.ok()) return opened.status();
    addresses.push_back(opened->front().address);
    std::move(opened->begin(), opened->end(), std::back_inserter(sockets));
  }
  if (options.unix_socket.empty()) return absl::OkStatus();
  absl::StatusOr<ListenSocket> opened = ListenOnUnix(options.unix_socket, options.unix_socket_mode);
  if (!opened.ok()) return opened.status();
  addresses.push_back(opened->address);
  sockets.push_back(*std::move(opened));
  return absl::OkStatus();
}

absl::Status RpcServer::Parts::Build() {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCallsPerConnectionMax);
  // A compressed message is measured against the limit below only once it is decompressed: 400 kB
  // of zeros take 400 MB before they are refused. Nobody compresses what is microseconds' work.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.receive_bytes_max()));
  builder.RegisterService(&tasks.service());
  builder.RegisterService(&admin.service());
  builder.RegisterService(&channelz.service());
  builder.RegisterService(&health.service());
  builder.RegisterService(&reflection.service());
  using Kind = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  auto external = builder.experimental().AddExternalConnectionAcceptor(
      Kind::FROM_FD, grpc::InsecureServerCredentials());
  auto queue = builder.AddCompletionQueue();
  server = builder.BuildAndStart();
  source.Attach(std::move(queue));
  if (server == nullptr) return absl::InternalError("the gRPC server cannot be started");
  channelz.TellListeners(sockets);
  acceptor.emplace(std::move(sockets), std::move(external), stats.accept_shortages);
  return acceptor->Start();
}

RpcServer::RpcServer(RpcOptions options, ProdDispatcher& dispatcher, ProdSteering& steering,
                     AdminInfo info)
    : parts_(std::make_unique<Parts>(std::move(options), dispatcher, steering, std::move(info))) {}

RpcServer::~RpcServer() { Shutdown(0); }

void RpcServer::Adopt(std::vector<ListenSocket> listeners) {
  parts_->sockets = std::move(listeners);
}

absl::Status RpcServer::Start() {
  if (absl::Status listening = parts_->Listen(); !listening.ok()) return listening;
  if (absl::Status built = parts_->Build(); !built.ok()) return built;
  parts_->source.AtEndOfEveryRound(*parts_);
  parts_->tasks.Start();
  parts_->admin.Start();
  parts_->channelz.Start();
  parts_->health.Start();
  parts_->reflection.Start();
  return absl::OkStatus();
}

void RpcServer::set_ready_at_ns(int64_t ready_at_ns) { parts_->admin.set_ready_at_ns(ready_at_ns); }

void RpcServer::Shutdown(int64_t limit_ns) {
  CompletionSource& source = parts_->source;
  if (!source.open()) return;
  source.StopAsking();
  parts_->acceptor.reset();
  if (parts_->server != nullptr) {
    parts_->health.SetNotServing();
    parts_->health.EndWatches();
    parts_->admin.EndWatches();
    parts_->tasks.EndStreams();
    // Server::Shutdown blocks until every call is over, which needs the queue to be polled.
    std::atomic<bool> down{false};
    std::thread stopper([this, limit_ns, &down] {
      parts_->server->Shutdown(std::chrono::system_clock::now() +
                               std::chrono::nanoseconds(limit_ns));
      down.store(true);
    });
    const auto break_at = std::chrono::steady_clock::now() + kWatchGrace;
    while (!down.load()) {
      (void)source.Wait(kShutdownPollNs);
      if (std::chrono::steady_clock::now() >= break_at) parts_->tasks.BreakWatches();
    }
    stopper.join();
  }
  source.CloseAndDrain();
  parts_->server.reset();
}

DoorSource& RpcServer::source() { return parts_->source; }
const std::vector<std::string>& RpcServer::addresses() const { return parts_->addresses; }
size_t RpcServer::busy() const {
  return parts_->tasks.busy_calls() + parts_->tasks.open_streams() + parts_->admin.busy();
}
const MetricSource& RpcServer::metrics() const { return parts_->stats; }

}  // namespace weft
