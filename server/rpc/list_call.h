#pragma once

#include <optional>
#include <string>

#include "dispatch/listing.h"
#include "rpc/call_family.h"
#include "rpc/page_token.h"
#include "rpc/unary_call.h"
#include "task/task_filter.h"

namespace weft {

// ListTasks: one page, found and written within the call. Door thread only.
class ListTasksCall final : public UnaryCall<v1::ListTasksRequest, v1::ListTasksResponse>,
                            public TaskLister {
 public:
  explicit ListTasksCall(const CallFamily<ListTasksCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

  static constexpr uint32_t kPageSizeDefault = 100;
  static constexpr uint32_t kPageSizeMax = 1'000;
  // Of one page, so that it fits into the 4 MiB that clients take by default; the task that reaches
  // it is the last.
  static constexpr size_t kPageBytesMax = 1024 * 1024;

 private:
  void Ask(grpc::ServerContext& context, v1::ListTasksRequest& request,
           grpc::ServerAsyncResponseWriter<v1::ListTasksResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestListTasks(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  bool OnReceived() override { return family_.Admit(false); }
  void OnOver() override;

  void OnTask(const TaskSummary& task) override;
  bool full() const override { return page_left_ == 0 || page_bytes_ >= kPageBytesMax; }

  std::optional<Refusal> ReadRequest(TaskFilter* filter, ListCursor* cursor);

  const CallFamily<ListTasksCall> family_;
  std::string labels_;  // Of the filter.
  uint32_t page_left_ = 0;
  size_t page_bytes_ = 0;
  std::optional<HeldBytes> held_;  // The answer's.
};

}  // namespace weft
