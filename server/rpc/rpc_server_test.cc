// The server around the services: addresses, health, reflection, administration, drain and end.
#include "rpc/rpc_server.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "rpc/completion_source.h"
#include "rpc/rpc_fixture.h"

namespace weft {
namespace {

namespace health = grpc::health::v1;
namespace reflection = grpc::reflection::v1alpha;
using Health = health::HealthCheckResponse;

class RpcServerTest : public RpcFixture {
 protected:
  grpc::Status Check(const std::string& service, Health* response) {
    grpc::ClientContext context;
    health::HealthCheckRequest request;
    request.set_service(service);
    return health::Health::NewStub(channel_)->Check(&context, request, response);
  }
};

TEST_F(RpcServerTest, NamesTheAddressThatIsInUse) {
  StartServer();
  RpcOptions options = rpc_options_;
  options.listen = {server_->addresses().front()};
  RpcServer second(options, *dispatcher_, *steering_, {});
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(status.message()).find(server_->addresses().front()), std::string::npos)
      << status;
}

TEST_F(RpcServerTest, ServesOnAUnixSocketOfItsUserOnly) {
  char folder[] = "/tmp/weft_rpc_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  rpc_options_.unix_socket = std::string(folder) + "/weftd.sock";
  StartServer();
  struct stat status = {};
  ASSERT_EQ(stat(rpc_options_.unix_socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  channel_ =
      grpc::CreateChannel("unix:" + rpc_options_.unix_socket, grpc::InsecureChannelCredentials());
  tasks_ = v1::TaskService::NewStub(channel_);
  EXPECT_TRUE(Run(Spec("noop")).ok());
  StopServer();
  unlink(rpc_options_.unix_socket.c_str());
  rmdir(folder);
}

TEST_F(RpcServerTest, RefusesConnectionsOnceItHasEnded) {
  StartServer();
  const std::string address = server_->addresses().front();
  StopServer();
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  const sys::Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

// Opened by somebody else, as a service manager does: here by the test, which keeps it open, too.
class InheritedListenerTest : public RpcServerTest {
 protected:
  void Listen() {
    listener_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    auto* const name = reinterpret_cast<sockaddr*>(&address_);
    ASSERT_EQ(bind(listener_.get(), name, size), 0);
    ASSERT_EQ(listen(listener_.get(), 8), 0);
    ASSERT_EQ(getsockname(listener_.get(), name, &size), 0);
    rpc_options_.listen.clear();
    ListenSocket inherited;
    inherited.fd.Reset(dup(listener_.get()));
    inherited.address = "127.0.0.1:" + std::to_string(ntohs(address_.sin_port));
    inherited_.push_back(std::move(inherited));
    StartServer();
  }
  // A connection without gRPC; the first words of a server come without being asked.
  bool Connect(const sys::Fd& client) const {
    return connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) ==
           0;
  }

  sys::Fd listener_;
  sockaddr_in address_{};
};

TEST_F(InheritedListenerTest, IsServedLikeAnyOther) {
  ASSERT_NO_FATAL_FAILURE(Listen());
  EXPECT_EQ(server_->addresses().size(), 1u);
  EXPECT_TRUE(Run(Spec("noop")).ok());
}

TEST_F(InheritedListenerTest, KeepsConnectionsForTheNextServerOnceThisOneHasEnded) {
  ASSERT_NO_FATAL_FAILURE(Listen());
  StopServer();
  const sys::Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(Connect(client));
  const sys::Fd accepted(accept(listener_.get(), nullptr, nullptr));
  EXPECT_TRUE(accepted.valid());
}

TEST_F(InheritedListenerTest, ServesAConnectionThatCameWhileNoDescriptorWasLeft) {
  ASSERT_NO_FATAL_FAILURE(Listen());
  const sys::Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<sys::Fd> others;
  for (sys::Fd fd; fd = sys::Fd(dup(client.get())), fd.valid();) others.push_back(std::move(fd));
  EXPECT_TRUE(Connect(client));
  others.clear();
  char settings[9];
  EXPECT_EQ(recv(client.get(), settings, sizeof(settings), MSG_WAITALL), 9);
}

// A small message that becomes a large one.
TEST_F(RpcServerTest, RefusesCompressedMessagesInSoManyWords) {
  StartServer();
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::RunTaskRequest request;
  *request.mutable_spec() = Spec("noop");
  request.mutable_spec()->set_payload(std::string(100'000, '\0'));
  v1::RunTaskResponse response;
  const grpc::Status status = tasks_->RunTask(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_NE(status.error_message().find("gzip"), std::string::npos) << status.error_message();
}

TEST_F(RpcServerTest, ListsTheHandlersByName) {
  StartServer();
  grpc::ClientContext context;
  v1::ListHandlersResponse response;
  ASSERT_TRUE(admin_->ListHandlers(&context, {}, &response).ok());
  ASSERT_EQ(response.handlers_size(), static_cast<int>(registry_.rows().size()));
  EXPECT_EQ(response.handlers(2).name(), "echo");
  EXPECT_FALSE(response.handlers(2).help().empty());
  EXPECT_TRUE(response.handlers(2).never_suspends());
  EXPECT_EQ(response.handlers(10).name(), "sleep");
  EXPECT_FALSE(response.handlers(10).never_suspends());
}

TEST_F(RpcServerTest, TellsTheStatistics) {
  StartServer();
  ASSERT_TRUE(Run(Spec("noop")).ok());
  ASSERT_TRUE(Run(Spec("fail")).ok());
  const v1::GetStatsResponse stats = Stats();
  EXPECT_EQ(stats.lifetime().tasks_executed(), 2u);
  EXPECT_EQ(stats.lifetime().tasks_failed(), 1u);
  EXPECT_GE(stats.lifetime().max_latency_ns(), stats.lifetime().min_latency_ns());
  EXPECT_EQ(stats.tasks().accepted(), 2u);
  EXPECT_EQ(stats.tasks().succeeded(), 1u);
  EXPECT_EQ(stats.active_workers(), 1u);
  EXPECT_EQ(stats.version(), "1.2.3");
  EXPECT_EQ(stats.ready_at_ns(), 42);
  EXPECT_EQ(stats.max_queue_depth(), 1'000u);
  EXPECT_FALSE(stats.draining());
}

TEST_F(RpcServerTest, IsHealthyForItsServicesOnly) {
  StartServer();
  Health response;
  for (const char* service : {"", "weft.v1.TaskService", "weft.v1.AdminService"}) {
    ASSERT_TRUE(Check(service, &response).ok()) << service;
    EXPECT_EQ(response.status(), Health::SERVING);
  }
  EXPECT_EQ(Check("weft.v1.Nothing", &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(RpcServerTest, TellsAWatcherOfAnUnknownServiceSo) {
  StartServer();
  grpc::ClientContext context;
  health::HealthCheckRequest request;
  request.set_service("other");
  const auto watch = health::Health::NewStub(channel_)->Watch(&context, request);
  Health response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), Health::SERVICE_UNKNOWN);
  context.TryCancel();
}

TEST_F(RpcServerTest, HasWatchersUpToItsBoundAndOneMoreWhenOneGoes) {
  rpc_options_.max_watches = 3;
  StartServer();
  const auto stub = health::Health::NewStub(channel_);
  std::array<grpc::ClientContext, 4> contexts;
  std::array<std::unique_ptr<grpc::ClientReader<Health>>, 4> watches;
  Health response;
  for (size_t i = 0; i < 4; ++i) {
    if (i == 3) {
      grpc::ClientContext one_too_many;
      one_too_many.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
      const auto watch = stub->Watch(&one_too_many, {});
      EXPECT_FALSE(watch->Read(&response));
      EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
      contexts[0].TryCancel();
    }
    contexts[i].set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    watches[i] = stub->Watch(&contexts[i], {});
    ASSERT_TRUE(watches[i]->Read(&response)) << i;
    EXPECT_EQ(response.status(), Health::SERVING) << i;
  }
  for (grpc::ClientContext& context : contexts) context.TryCancel();
}

TEST_F(RpcServerTest, TellsWatchersAndRefusesWorkWhileItDrains) {
  StartServer();
  const uint64_t id = Submit(Spec("sleep", "60s"));  // Holds the drain.
  grpc::ClientContext watch_context;
  const auto watch = health::Health::NewStub(channel_)->Watch(&watch_context, {});
  Health response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), Health::SERVING);
  grpc::ClientContext context;
  v1::DrainServerResponse drained;
  ASSERT_TRUE(admin_->DrainServer(&context, {}, &drained).ok());
  EXPECT_EQ(drained.in_flight(), 1u);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), Health::NOT_SERVING);
  EXPECT_TRUE(Stats().draining());
  ASSERT_TRUE(Check("", &response).ok());
  EXPECT_EQ(response.status(), Health::NOT_SERVING);
  const grpc::Status status = Run(Spec("noop"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "DRAINING");
  v1::CancelTaskResponse cancelled;
  ASSERT_TRUE(Cancel(id, &cancelled).ok());
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  door_thread_.join();
  core_->Stop();
}

TEST_F(RpcServerTest, EndsOpenStreamsAfterTheDrain) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  v1::StreamTasksRequest request;
  *request.add_specs() = Spec("noop");
  ASSERT_TRUE(stream->Write(request));
  v1::StreamTasksResponse response;
  ASSERT_TRUE(stream->Read(&response));
  door_->RequestDrain();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(RpcServerTest, ReflectsItsServicesAndTheirFiles) {
  StartServer();
  grpc::ClientContext context;
  const auto stream =
      reflection::ServerReflection::NewStub(channel_)->ServerReflectionInfo(&context);
  reflection::ServerReflectionRequest request;
  reflection::ServerReflectionResponse response;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  std::set<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.insert(service.name());
  }
  EXPECT_EQ(names, (std::set<std::string>{"weft.v1.TaskService", "weft.v1.AdminService",
                                          "grpc.health.v1.Health", "grpc.channelz.v1.Channelz",
                                          "grpc.reflection.v1alpha.ServerReflection"}));
  for (const std::string& name : names) {
    request.set_file_containing_symbol(name);
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_GE(response.file_descriptor_response().file_descriptor_proto_size(), 1) << name;
  }
  request.set_file_containing_symbol("weft.v1.Nothing");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(RpcServerTest, AnswersAnUnknownMethodAsUnimplemented) {
  StartServer();
  grpc::ClientContext context;
  health::HealthCheckResponse response;
  const grpc::internal::RpcMethod method("/weft.v1.TaskService/NoSuchMethod",
                                         grpc::internal::RpcMethod::NORMAL_RPC);
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall<health::HealthCheckRequest, health::HealthCheckResponse>(
          channel_.get(), method, &context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST(CompletionSource, IsEndedByARingHoweverOftenItRings) {
  grpc::ServerBuilder builder;
  auto queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  CompletionSource source;
  source.Ring();  // Not attached yet: nothing.
  source.Attach(std::move(queue));
  for (int i = 0; i < 3; ++i) {
    std::thread first([&source] { source.Ring(); });
    std::thread second([&source] { source.Ring(); });
    EXPECT_EQ(source.Wait(60'000'000'000), 1u);
    first.join();
    second.join();
    (void)source.Poll(16);
  }
  EXPECT_EQ(source.Poll(16), 0u);
  server->Shutdown();
  source.Ring();
  source.CloseAndDrain();
  source.Ring();  // Closed: nothing.
}

TEST(CompletionSource, HasWorkGoOnBeforeItTakesMoreAndBeforeItCloses) {
  class Work final : public RoundWork {
   public:
    explicit Work(CompletionSource& source) : source_(source) {}
    void GoOn() override {
      if (++rounds < 3) source_.GoOnNext(*this);
    }
    int rounds = 0;

   private:
    CompletionSource& source_;
  };
  grpc::ServerBuilder builder;
  auto queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  CompletionSource source;
  source.Attach(std::move(queue));
  Work work(source);
  source.Ring();
  source.GoOnNext(work);
  for (int round = 1; round <= 3; ++round) {
    EXPECT_EQ(source.Poll(16), 1u);
    EXPECT_EQ(work.rounds, round);
    EXPECT_TRUE(source.has_enough());
  }
  EXPECT_EQ(source.Wait(60'000'000'000), 1u) << "the ring waited";
  EXPECT_EQ(source.Poll(16), 0u);
  EXPECT_FALSE(source.has_enough());
  work.rounds = 0;
  source.Ring();
  source.GoOnNext(work);
  for (int round = 1; round <= 3; ++round) {
    EXPECT_EQ(source.Wait(60'000'000'000), 1u);
    EXPECT_EQ(work.rounds, round);
  }
  EXPECT_EQ(source.Wait(60'000'000'000), 1u) << "the ring waited";
  work.rounds = 0;
  source.GoOnNext(work);
  server->Shutdown();
  source.CloseAndDrain();
  EXPECT_EQ(work.rounds, 3);
}

}  // namespace
}  // namespace weft
