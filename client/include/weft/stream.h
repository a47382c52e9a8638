#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/export.h"
#include "weft/v1/task.pb.h"
#include "weft/v1/task_service.pb.h"

namespace weft {

struct StreamOptions {
  // Rows sent and not yet taken with Next; the bound on what a stream holds in memory.
  size_t window = 64;
  // Nanoseconds for the whole stream; 0: none.
  int64_t timeout_ns = 0;
};

// Tasks in, answers out in the order in which tasks end. Rows that Send gathers while a message is
// on its way travel together in the next one. One thread at a time.
//
//   while (more || stream->outstanding() > 0) {
//     while (more && stream->CanSend()) { ... stream->Send(spec) ... }
//     absl::StatusOr<v1::StreamTasksRow> row = stream->Next();
//   }
//
// Destroying a stream with rows outstanding breaks the call, and the daemon cancels its tasks.
class WEFT_EXPORT TaskStream {
 public:
  TaskStream(const TaskStream&) = delete;
  TaskStream& operator=(const TaskStream&) = delete;
  ~TaskStream();

  // False when the window is full, or the message being gathered is: take an answer first.
  [[nodiscard]] bool CanSend() const;

  // Queues one row; never blocks. FAILED_PRECONDITION unless CanSend, or after Finish; another
  // error means that the call has broken.
  [[nodiscard]] absl::Status Send(const v1::TaskSpec& spec);

  // Takes the next answer; blocks until there is one. FAILED_PRECONDITION when none is outstanding;
  // another error means that the call has broken and the rows outstanding have no answer. A row
  // that was refused is an answer: turn its status into an error with RowStatus.
  [[nodiscard]] absl::StatusOr<v1::StreamTasksRow> Next();

  // Half-closes and waits for the end of the call. FAILED_PRECONDITION while rows are outstanding.
  [[nodiscard]] absl::Status Finish();

  // Rows sent and not yet taken.
  [[nodiscard]] size_t outstanding() const;

 private:
  friend class Client;
  struct Call;
  explicit TaskStream(std::unique_ptr<Call> call);

  std::unique_ptr<Call> call_;
};

// OK for a row with a result, else why it was refused, with its details.
[[nodiscard]] WEFT_EXPORT absl::Status RowStatus(const v1::StreamTasksRow& row);

}  // namespace weft
