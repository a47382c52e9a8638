#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/core.h"
#include "dispatch/dispatcher.h"
#include "dispatch/door.h"
#include "dispatch/lent_door.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "handlers/builtin/builtin.h"
#include "handlers/registry.h"
#include "rpc/rpc_server.h"
#include "sys/clock.h"
#include "weft/v1/admin_service.grpc.pb.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// A whole server in the process, with one core that is not pinned, on a port chosen freshly, and
// the stubs of a client that knows only the protos.
class RpcFixture : public ::testing::Test, public EntryLookup {
 protected:
  RpcFixture() {
    rpc_options_.listen = {"127.0.0.1:0"};
    rpc_options_.max_calls_posted = 8;
    core_options_.max_queue_depth = 1'000;
    core_options_.idle = IdlePolicy::kSleep;
    dispatch_options_.max_queue_depth = core_options_.max_queue_depth;
  }
  ~RpcFixture() override { StopServer(); }

  const TaskEntry* Find(std::string_view name) const override { return registry_.Find(name); }
  std::string_view Nearest(std::string_view name) const override { return registry_.Nearest(name); }

  // Options may be changed before.
  void StartServer() {
    ASSERT_TRUE(RegisterBuiltinHandlers(registry_).ok());
    core_options_.handler_count = static_cast<uint32_t>(registry_.rows().size());
    core_ = std::make_unique<Core<sys::ProdEnv>>(core_options_, env_, doorbell_);
    if (lends_door_) {
      lent_.emplace(env_);
      lent_->set_core(*core_);
      core_->set_guest(*lent_);
    }
    ASSERT_TRUE(core_->Start().ok());
    Core<sys::ProdEnv>* const cores[] = {core_.get()};
    dispatcher_.emplace(dispatch_options_, std::span<Core<sys::ProdEnv>* const>(cores), *this,
                        env_);
    AdminInfo info;
    std::vector<std::string> names;
    for (const HandlerRegistry::Row& row : registry_.rows()) {
      names.emplace_back(row.handler->name());
      info.handlers.push_back({std::string(row.handler->help()), row.entry.never_suspends});
    }
    info.version = "1.2.3";
    info.request_drain = [this] { door_->RequestDrain(); };
    info.request_reload = [this](AdminInfo::ReloadAnswer answer) {
      request_reload_(std::move(answer));
    };
    steering_.emplace(*dispatcher_, *this, std::move(names));
    server_.emplace(rpc_options_, *dispatcher_, *steering_, std::move(info));
    doorbell_.argument = &server_->source();
    doorbell_.ring = [](void* source) { static_cast<DoorSource*>(source)->Ring(); };
    door_.emplace(server_->source(), *dispatcher_, doorbell_, env_, IdlePolicy::kSleep, 0);
    if (lends_door_) door_->set_lent(*lent_);
    door_->set_drain_limit_ns(60'000'000'000);
    server_->Adopt(std::move(inherited_));
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
    server_->set_ready_at_ns(42);
    door_thread_ = std::thread([this] {
      door_->Run();
      server_->Shutdown(1'000'000'000);
    });
    channel_ =
        grpc::CreateChannel(server_->addresses().front(), grpc::InsecureChannelCredentials());
    tasks_ = v1::TaskService::NewStub(channel_);
    admin_ = v1::AdminService::NewStub(channel_);
  }

  void StopServer() {
    if (!door_thread_.joinable()) return;
    door_->set_drain_limit_ns(0);
    door_->RequestDrain();
    door_thread_.join();
    core_->Stop();
  }

  v1::GetStatsResponse Stats() {
    grpc::ClientContext context;
    v1::GetStatsResponse response;
    EXPECT_TRUE(admin_->GetStats(&context, {}, &response).ok());
    return response;
  }
  // Asks until the counts are as wanted; the test's time limit ends a wait in vain.
  template <class Wanted>
  v1::GetStatsResponse AwaitStats(Wanted wanted) {
    while (true) {
      v1::GetStatsResponse stats = Stats();
      if (wanted(stats)) return stats;
    }
  }

  static v1::TaskSpec Spec(const std::string& handler, const std::string& payload = "") {
    v1::TaskSpec spec;
    spec.set_handler(handler);
    spec.set_payload(payload);
    return spec;
  }
  grpc::Status Run(const v1::TaskSpec& spec, v1::TaskResult* result = nullptr) {
    grpc::ClientContext context;
    v1::RunTaskRequest request;
    *request.mutable_spec() = spec;
    v1::RunTaskResponse response;
    grpc::Status status = tasks_->RunTask(&context, request, &response);
    if (result != nullptr) *result = response.result();
    return status;
  }
  uint64_t Submit(const v1::TaskSpec& spec) {
    grpc::ClientContext context;
    v1::SubmitTaskRequest request;
    *request.mutable_spec() = spec;
    v1::SubmitTaskResponse response;
    const grpc::Status status = tasks_->SubmitTask(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.task_id();
  }
  grpc::Status Wait(uint64_t id, std::optional<int64_t> wait_ns, v1::TaskResult* result) {
    grpc::ClientContext context;
    v1::WaitTaskRequest request;
    request.set_task_id(id);
    if (wait_ns) request.set_wait_ns(*wait_ns);
    v1::WaitTaskResponse response;
    grpc::Status status = tasks_->WaitTask(&context, request, &response);
    *result = response.result();
    return status;
  }
  grpc::Status Cancel(uint64_t id, v1::CancelTaskResponse* response) {
    grpc::ClientContext context;
    v1::CancelTaskRequest request;
    request.set_task_id(id);
    return tasks_->CancelTask(&context, request, response);
  }

  // A detail of an error; empty when it has none.
  template <class Detail>
  static Detail DetailOf(const google::rpc::Status& message) {
    Detail detail;
    for (const auto& any : message.details()) {
      if (any.Is<Detail>()) any.UnpackTo(&detail);
    }
    return detail;
  }
  template <class Detail>
  static Detail DetailOf(const grpc::Status& status) {
    google::rpc::Status message;
    message.ParseFromString(status.error_details());
    return DetailOf<Detail>(message);
  }
  static std::string FieldOf(const grpc::Status& status) {
    const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  }

  std::function<void(AdminInfo::ReloadAnswer)> request_reload_;
  RpcOptions rpc_options_;
  std::vector<ListenSocket> inherited_;
  CoreOptions core_options_;
  DispatchOptions dispatch_options_;
  sys::Clock clock_;
  sys::ProdEnv env_{clock_.anchor()};
  Doorbell doorbell_;
  HandlerRegistry registry_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  std::optional<ProdDispatcher> dispatcher_;
  std::optional<ProdSteering> steering_;
  std::optional<RpcServer> server_;
  bool lends_door_ = false;  // To the core's thread.
  std::optional<LentDoor<sys::ProdEnv>> lent_;
  std::optional<Door> door_;
  std::thread door_thread_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
};

}  // namespace weft
