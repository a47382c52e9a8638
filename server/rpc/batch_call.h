#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rpc/call_family.h"
#include "rpc/message_block.h"
#include "rpc/unary_call.h"

namespace weft {

// SubmitTasks: every row is submitted in one pass, so each core gets its share in one inbox
// operation, and answered in its place; a row that is refused holds up no other. The message stays
// in one block with the tasks. Door thread only.
class SubmitTasksCall final : public UnaryCall<v1::SubmitTasksRequest, v1::SubmitTasksResponse> {
 public:
  explicit SubmitTasksCall(const CallFamily<SubmitTasksCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

 private:
  using Block = MessageBlock<v1::SubmitTasksRequest>;

  void Ask(grpc::ServerContext& context, v1::SubmitTasksRequest& request,
           grpc::ServerAsyncResponseWriter<v1::SubmitTasksResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestSubmitTasks(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  bool OnReceived() override { return family_.Admit(true); }
  void OnOver() override;

  void SubmitRows(Block& block);
  std::optional<Refusal> SubmitRow(const v1::TaskSpec& message, std::string_view path, Block& block,
                                   Accepted* accepted);

  const CallFamily<SubmitTasksCall> family_;
  std::string labels_;             // Of the row that is submitted.
  std::optional<HeldBytes> held_;  // The answer's.
};

}  // namespace weft
