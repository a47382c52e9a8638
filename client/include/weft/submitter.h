#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/export.h"
#include "weft/v1/task.pb.h"

namespace weft {

struct SubmitterOptions {
  // Tasks submitted and not yet answered, 1 to 1,048,576: beyond that Submit waits. The bound on
  // what a submitter holds in memory.
  size_t window = 4096;
  // A message leaves once it holds so many tasks, 1 to 1,024, or 1 MiB of payload,
  size_t max_batch = 1024;
  // or once its first task has waited so long for company, 0 to 1 s, and the message before it is
  // written. A task that has none to wait for, because nothing is on its way or nobody else has
  // submitted just now, leaves at once.
  int64_t max_delay_ns = 20'000;
};

// Gathers single tasks of any thread into the messages of one StreamTasks call, so that they travel
// as batches do: one call and one thread of its own instead of one call a task. When the call
// breaks, what was not answered is told so, and the next Submit begins another. Any thread.
class WEFT_EXPORT TaskSubmitter {
 public:
  // The task's result, or why there is none: refused by the daemon, with its details; the call
  // broke, in which case the task may have run; CANCELLED: the submitter was destroyed. Called
  // once, on the submitter's thread: it must not block or throw. It may Submit.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::TaskResult>)>;

  // Breaks the call, upon which the daemon cancels what is left; all of that is told before this
  // returns. Not on the submitter's thread, and no call of it is under way.
  ~TaskSubmitter();
  TaskSubmitter(const TaskSubmitter&) = delete;
  TaskSubmitter& operator=(const TaskSubmitter&) = delete;

  // Waits while the window is full, for wait_ns at most when that is given. RESOURCE_EXHAUSTED: it
  // still is, or is when asked on the submitter's thread, which does not wait. INVALID_ARGUMENT:
  // the task is too large for a message (ClientOptions.max_message_bytes). An error drops `done`.
  // While it is on its way the task's client_tag is the submitter's own, for those who list or
  // watch tasks; the result has the caller's.
  [[nodiscard]] absl::Status Submit(v1::TaskSpec spec, Done done,
                                    std::optional<int64_t> wait_ns = {});

  // Submits and waits for the result. timeout_ns, of both: 0 takes ClientOptions.timeout_ns; it
  // also bounds the task unless the spec names a timeout. DEADLINE_EXCEEDED: it passed;
  // FAILED_PRECONDITION on the submitter's thread; else as Done says.
  [[nodiscard]] absl::StatusOr<v1::TaskResult> Run(v1::TaskSpec spec, int64_t timeout_ns = 0);

  // Submitted and not yet answered.
  [[nodiscard]] size_t outstanding() const;

 private:
  friend class Client;
  struct Engine;
  explicit TaskSubmitter(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace weft
