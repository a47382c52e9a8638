#pragma once

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/daemon_process.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// A stub with a connection of its own.
inline std::unique_ptr<v1::TaskService::Stub> StubOf(const DaemonProcess& daemon) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return v1::TaskService::NewStub(grpc::CreateCustomChannel(
      daemon.rpc_address(), grpc::InsecureChannelCredentials(), arguments));
}

// Clients that submit, let expire and cancel, and others that vanish with what only they wait for.
class Turmoil {
 public:
  explicit Turmoil(const DaemonProcess& daemon) : daemon_(daemon) {}

  // Blocks until every task that was submitted has ended; those of clients that vanished may be in
  // flight a little longer.
  void Run() {
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) callers.emplace_back([this, i] { SubmitAndCancel(i); });
    callers.emplace_back([this] { Vanish(); });
    for (std::thread& caller : callers) caller.join();
  }

  // That every task is counted once, as its client saw it. others: tasks that succeeded, and were
  // none of these.
  void ExpectCountedIn(const v1::TaskCounts& counts, uint64_t others = 0) {
    ASSERT_GE(counts.accepted(), submitted_ + others);
    const uint64_t attached = counts.accepted() - submitted_ - others;
    EXPECT_GT(attached, 0u);
    EXPECT_LE(attached, kAttachedMost);
    EXPECT_EQ(counts.cancelled(), seen_[v1::TASK_STATE_CANCELLED] + attached);
    EXPECT_EQ(counts.succeeded(), seen_[v1::TASK_STATE_SUCCEEDED] + others);
    EXPECT_EQ(counts.failed(), seen_[v1::TASK_STATE_FAILED]);
    EXPECT_EQ(counts.expired(), seen_[v1::TASK_STATE_EXPIRED]);
    EXPECT_EQ(counts.in_flight(), 0u);
  }

 private:
  static constexpr int kRounds = 200;
  static constexpr uint64_t kVanishing = 50;
  static constexpr uint64_t kAttachedMost = kVanishing * 9;

  static v1::TaskSpec Spec(const char* handler, const char* payload) {
    v1::TaskSpec spec;
    spec.set_handler(handler);
    spec.set_payload(payload);
    return spec;
  }

  void SubmitAndCancel(int caller) {
    const auto client = daemon_.Connect();
    std::vector<uint64_t> ids;
    for (int round = 0; round < kRounds; ++round) {
      v1::TaskSpec spec = Spec(round % 3 == 0 ? "sleep" : "spin", "200us");
      if (round % 5 == 0) spec.set_timeout_ns(100'000);
      const auto accepted = client->Submit(spec);
      if (!accepted.ok()) continue;
      ids.push_back(accepted->task_id());
      if (round % 4 == caller) (void)client->Cancel(accepted->task_id());
    }
    for (const uint64_t id : ids) {
      const auto result = client->Wait(id);
      ASSERT_TRUE(result.ok()) << result.status();
      const std::lock_guard lock(mutex_);
      ++submitted_;
      ++seen_[result->state()];
    }
  }

  void Vanish() {
    const auto pause = daemon_.Connect();
    const auto stub = StubOf(daemon_);
    for (uint64_t i = 0; i < kVanishing; ++i) RunAndVanish(*stub, *pause);
  }

  // Attached tasks that only a disconnect can end, each from a client that goes away at once:
  // within a RunTask, or with eight rows in a stream.
  static void RunAndVanish(v1::TaskService::Stub& stub, Client& pause) {
    grpc::CompletionQueue queue;
    grpc::ClientContext call_context;
    v1::RunTaskRequest request;
    *request.mutable_spec() = Spec("sleep", "60s");
    v1::RunTaskResponse response;
    grpc::Status status;
    const auto call = stub.AsyncRunTask(&call_context, request, &queue);
    call->Finish(&response, &status, nullptr);
    grpc::ClientContext stream_context;
    const auto stream = stub.StreamTasks(&stream_context);
    v1::StreamTasksRequest rows;
    for (int i = 0; i < 8; ++i) *rows.add_specs() = request.spec();
    (void)stream->Write(rows);
    (void)pause.GetStats();
    stream_context.TryCancel();
    call_context.TryCancel();
    void* tag = nullptr;
    bool ok = false;
    (void)queue.Next(&tag, &ok);
    (void)stream->Finish();
  }

  const DaemonProcess& daemon_;
  std::mutex mutex_;
  // What the callers themselves saw: how many ids they were given, and what became of them.
  uint64_t submitted_ = 0;
  std::map<v1::TaskState, uint64_t> seen_;
};

}  // namespace weft
