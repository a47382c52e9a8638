#include "rpc/list_call.h"

#include "rpc/task_call_pools.h"
#include "wire/filter_wire.h"
#include "wire/task_wire.h"

namespace weft {
namespace {

Refusal InvalidPageSize(uint32_t page_size) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field = "page_size";
  refusal.message = "page_size is " + std::to_string(page_size) + "; allowed are 1 to " +
                    std::to_string(ListTasksCall::kPageSizeMax) + ", and 0 for " +
                    std::to_string(ListTasksCall::kPageSizeDefault);
  return refusal;
}

Refusal InvalidPageToken() {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field = "page_token";
  refusal.message =
      "page_token is not one that this daemon gave for this filter since it started; give "
      "next_page_token of the page before as it came, with the same filter, or none to begin anew";
  return refusal;
}

}  // namespace

std::optional<Refusal> ListTasksCall::ReadRequest(TaskFilter* filter, ListCursor* cursor) {
  ProdDispatcher& dispatcher = family_.context.dispatcher;
  if (request_.page_size() > kPageSizeMax) {
    return dispatcher.Refuse(InvalidPageSize(request_.page_size()));
  }
  if (auto refusal = ReadTaskFilter(request_.filter(), "filter", &labels_, filter)) {
    return dispatcher.Refuse(*std::move(refusal));
  }
  if (auto refusal = dispatcher.CheckFilter(*filter)) return refusal;
  if (request_.page_token().empty()) return std::nullopt;
  const auto opened = family_.calls.page_tokens.Open(request_.page_token(), *filter);
  if (!opened) return dispatcher.Refuse(InvalidPageToken());
  *cursor = *opened;
  return std::nullopt;
}

void ListTasksCall::OnRequest() {
  TaskFilter filter;
  ListCursor cursor;
  if (const auto refusal = ReadRequest(&filter, &cursor)) return Refuse(*refusal);
  page_left_ = request_.page_size() == 0 ? kPageSizeDefault : request_.page_size();
  page_bytes_ = 0;
  response_.Clear();
  ProdDispatcher& dispatcher = family_.context.dispatcher;
  if (dispatcher.List(filter, &cursor, *this)) {
    response_.set_next_page_token(family_.calls.page_tokens.Seal(cursor, filter));
  }
  if (const auto refusal = dispatcher.CheckAnswer(page_bytes_)) return Refuse(*refusal);
  held_.emplace(dispatcher, page_bytes_);
  Answer();
}

void ListTasksCall::OnTask(const TaskSummary& task) {
  v1::TaskSummary* const message = response_.add_tasks();
  WriteTaskSummary(task, message);
  page_bytes_ += message->ByteSizeLong();
  --page_left_;
}

void ListTasksCall::OnOver() {
  held_.reset();
  family_.pool.OnOver(*this);
}

}  // namespace weft
