#include "weft/list.h"

#include <iterator>
#include <utility>

namespace weft {

TaskPager::TaskPager(Client& client, v1::ListTasksRequest request)
    : client_(client), request_(std::move(request)) {}

absl::StatusOr<std::vector<v1::TaskSummary>> TaskPager::Next() {
  if (done_) return absl::FailedPreconditionError("the last page was given");
  auto page = client_.ListTasks(request_);
  if (!page.ok()) return page.status();
  *request_.mutable_page_token() = std::move(*page->mutable_next_page_token());
  done_ = request_.page_token().empty();
  auto& tasks = *page->mutable_tasks();
  return std::vector<v1::TaskSummary>(std::make_move_iterator(tasks.begin()),
                                      std::make_move_iterator(tasks.end()));
}

}  // namespace weft
