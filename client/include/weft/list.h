#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "weft/client.h"
#include "weft/export.h"

namespace weft {

// Walks the pages of ListTasks. Whatever is there from the first page to the last is given exactly
// once; what comes or goes meanwhile may be. One thread at a time; the client outlives it.
//
//   TaskPager pager(*client, request);
//   while (!pager.done()) {
//     absl::StatusOr<std::vector<v1::TaskSummary>> page = pager.Next();
//   }
class WEFT_EXPORT TaskPager {
 public:
  // request.page_token is where it begins; empty: with the first page.
  TaskPager(Client& client, v1::ListTasksRequest request);

  // The next page; may be empty although more follow. FAILED_PRECONDITION once done. After another
  // error the same page may be asked for again.
  [[nodiscard]] absl::StatusOr<std::vector<v1::TaskSummary>> Next();

  [[nodiscard]] bool done() const { return done_; }

 private:
  Client& client_;
  v1::ListTasksRequest request_;
  bool done_ = false;
};

}  // namespace weft
