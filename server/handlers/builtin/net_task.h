#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "executor/task_context.h"
#include "executor/task_net.h"
#include "handlers/builtin/file_permits.h"
#include "handlers/builtin/host_port.h"
#include "handlers/options.h"

namespace weft {

// Whom the network handlers may talk to, and how much. Made once at start; outlives the handlers.
struct NetAccess {
  std::vector<HostPattern> allow;  // handlers.net_allow.
  size_t max_bytes = 0;            // handlers.net_max_bytes: of an answer.
  int64_t time_limit_ns = 0;       // handlers.net_time_limit_ms: of a task.
  size_t max_output_bytes = 0;     // limits.max_payload_bytes.
  FilePermits* permits = nullptr;  // Outlives the handlers; null: as many as like.

  // The lower of the two bounds of an answer, and its key.
  size_t answer_bytes() const {
    return max_bytes < max_output_bytes ? max_bytes : max_output_bytes;
  }
  std::string_view answer_key() const {
    return max_bytes < max_output_bytes ? "handlers.net_max_bytes" : "limits.max_payload_bytes";
  }
};

// The common part of the tasks that talk to a host. Each step says whether to go on; when not,
// return outcome(). The time limit is that of all its steps together. Lives on the task's stack.
class NetTask {
 public:
  NetTask(TaskContext& context, const NetAccess& access)
      : context_(context), access_(access), permit_(context, access.permits) {}
  NetTask(const NetTask&) = delete;
  NetTask& operator=(const NetTask&) = delete;

  // Whether there is anybody to talk to. First of all, before the payload is looked at.
  bool Check();
  // Whether the task may talk to whom it names; waits for a permit, looks the host up and connects
  // to the first of its addresses that answers.
  bool Connect(const HostPort& whom);

  // Sends all of it, and takes in meanwhile what comes, up to the bound; a peer may answer before
  // it has read all. Once all is sent, half-closes and takes in the rest to the end.
  bool Exchange(std::string_view bytes, std::string* answer);
  // Sends all of it.
  bool Send(std::string_view bytes);
  // The next bytes; 0 at the end, negative: return outcome().
  int64_t Receive(std::span<char> buffer);

  // Ends the task because the answer is longer than its bound; size says what is known of it.
  TaskOutcome TooLarge();
  TaskOutcome outcome() const { return outcome_; }
  const std::string& whom() const { return whom_; }

 private:
  bool Refuse(TaskOutcome outcome) {
    outcome_ = outcome;
    return false;
  }
  // Ends the task because a call answered with -errno. did: "connected to".
  bool Failed(int64_t error, std::string_view did);
  bool Resolve(const HostPort& whom, std::vector<sys::NetAddress>* addresses);
  // What is left of the time, at least a nanosecond.
  int64_t LeftNs();
  bool TakeIn(std::string* answer, bool* has_ended);

  TaskContext& context_;
  const NetAccess& access_;
  FilePermitHold permit_;
  TcpStream stream_;
  std::string whom_;
  int64_t end_ns_ = 0;
  TaskOutcome outcome_ = TaskOutcome::kFailed;
};

}  // namespace weft
