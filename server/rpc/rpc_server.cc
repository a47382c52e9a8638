#include "rpc/rpc_server.h"

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
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

std::string WithPort(const std::string& address, int port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

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

  absl::Status Build();
  absl::Status ServeAddresses(const std::vector<int>& ports);
  absl::Status NameFailure(const std::vector<int>& ports, int unix_port) const;

  const RpcOptions options;
  CompletionSource source;
  const RpcContext context;
  TaskService tasks;
  AdminService admin;
  ChannelzService channelz;
  HealthService health;
  ReflectionService reflection;
  std::vector<InheritedListener> inherited;  // Until they are served.
  std::unique_ptr<grpc::Server> server;
  std::optional<ConnectionAcceptor> acceptor;  // Of what was inherited.
  std::vector<std::string> addresses;
  RpcStats stats;
  bool told_draining = false;
};

absl::Status RpcServer::Parts::Build() {
  grpc::ServerBuilder builder;
  // Otherwise a second daemon would silently share the port.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCallsPerConnectionMax);
  // A compressed message is measured against the limit below only once it is decompressed: 400 kB
  // of zeros take 400 MB before they are refused. Nobody compresses what is microseconds' work.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.receive_bytes_max()));
  const auto credentials = grpc::InsecureServerCredentials();
  std::vector<int> ports(options.listen.size(), 0);  // gRPC fills them in; they must not move.
  for (size_t i = 0; i < ports.size(); ++i) {
    builder.AddListeningPort(options.listen[i], credentials, &ports[i]);
  }
  int unix_port = 0;
  if (!options.unix_socket.empty()) {
    builder.AddListeningPort("unix:" + options.unix_socket, credentials, &unix_port);
  }
  builder.RegisterService(&tasks.service());
  builder.RegisterService(&admin.service());
  builder.RegisterService(&channelz.service());
  builder.RegisterService(&health.service());
  builder.RegisterService(&reflection.service());
  std::unique_ptr<ConnectionAcceptor::Grpc> external;
  if (!inherited.empty()) {
    using Kind = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
    external = builder.experimental().AddExternalConnectionAcceptor(Kind::FROM_FD, credentials);
  }
  auto queue = builder.AddCompletionQueue();
  server = builder.BuildAndStart();
  source.Attach(std::move(queue));
  if (server == nullptr) return NameFailure(ports, unix_port);
  for (const InheritedListener& listener : inherited) addresses.push_back(listener.address);
  if (external != nullptr) acceptor.emplace(std::move(inherited), std::move(external));
  return ServeAddresses(ports);
}

// Tells the addresses that were bound, and lets in whom the unix socket is for.
absl::Status RpcServer::Parts::ServeAddresses(const std::vector<int>& ports) {
  for (size_t i = 0; i < ports.size(); ++i) {
    addresses.push_back(WithPort(options.listen[i], ports[i]));
  }
  if (options.unix_socket.empty()) return absl::OkStatus();
  addresses.push_back("unix:" + options.unix_socket);
  if (chmod(options.unix_socket.c_str(), options.unix_socket_mode) == 0) return absl::OkStatus();
  return absl::InternalError("rpc.unix_socket \"" + options.unix_socket +
                             "\" cannot be given its mode: " + std::strerror(errno));
}

// gRPC binds in order and stops at the first address that fails.
absl::Status RpcServer::Parts::NameFailure(const std::vector<int>& ports, int unix_port) const {
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i] != 0) continue;
    return absl::UnavailableError(
        "rpc.listen \"" + options.listen[i] +
        "\" cannot be bound: the address is in use or not of this machine");
  }
  if (!options.unix_socket.empty() && unix_port == 0) {
    return absl::UnavailableError("rpc.unix_socket \"" + options.unix_socket +
                                  "\" cannot be bound: the folder is missing or the path too long");
  }
  return absl::InternalError("the gRPC server cannot be started");
}

RpcServer::RpcServer(RpcOptions options, ProdDispatcher& dispatcher, ProdSteering& steering,
                     AdminInfo info)
    : parts_(std::make_unique<Parts>(std::move(options), dispatcher, steering, std::move(info))) {}

RpcServer::~RpcServer() { Shutdown(0); }

void RpcServer::Adopt(std::vector<InheritedListener> listeners) {
  parts_->inherited = std::move(listeners);
}

absl::Status RpcServer::Start() {
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
