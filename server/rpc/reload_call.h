#pragma once

#include "rpc/admin_service.h"
#include "rpc/unary_call.h"
#include "weft/v1/admin_service.grpc.pb.h"

namespace weft {

// One call of AdminService.ReloadConfig: asks the daemon and is answered when that has read its
// configuration. Owned by its pool. Door thread only.
class ReloadConfigCall final : public UnaryCall<v1::ReloadConfigRequest, v1::ReloadConfigResponse> {
 public:
  // All outlive the call.
  struct Family {
    CompletionSource& source;
    v1::AdminService::AsyncService& service;
    CallPool<ReloadConfigCall>& pool;
    const std::function<void(AdminInfo::ReloadAnswer)>& request_reload;
  };

  // Of a call's error message and its details together clients take 8 KiB.
  static constexpr size_t kMistakesBytesMax = 1500;

  explicit ReloadConfigCall(const Family& family) : UnaryCall(family.source), family_(family) {}

 private:
  void Ask(grpc::ServerContext& context, v1::ReloadConfigRequest& request,
           grpc::ServerAsyncResponseWriter<v1::ReloadConfigResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestReloadConfig(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  void OnGone() override { gone_ = true; }
  bool reusable() const override { return !asked_; }
  bool OnReceived() override { return family_.pool.OnReceived(); }
  void OnOver() override { family_.pool.OnOver(*this); }

  void OnReloaded(const ReloadResult& result);

  const Family family_;
  bool asked_ = false;  // The daemon will call OnReloaded.
  bool gone_ = false;
};

// The lines of the text that fit into kMistakesBytesMax, then how many there are beyond.
std::string FirstMistakes(absl::string_view text);

}  // namespace weft
