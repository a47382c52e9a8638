#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "weft/client.h"
#include "weft/submitter.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// A completion queue, the thread that polls it, and one StreamTasks call at a time on it. Whoever
// finds that a message is due writes it, be it that thread or one that submits; the thread alone
// reads. Owned by TaskSubmitter.
struct TaskSubmitter::Engine {
  using Until = std::optional<std::chrono::steady_clock::time_point>;

  Engine(v1::TaskService::Stub* stub, const SubmitterOptions& options, const ClientOptions& client);

  // until: absent: as long as it takes.
  absl::Status Submit(v1::TaskSpec&& spec, Done&& done, Until until);
  size_t outstanding();
  // Last call. Once the call has ended and all that was left is told.
  void Close();
  bool IsOwnThread() const { return std::this_thread::get_id() == thread.get_id(); }

  v1::TaskService::Stub* const stub;
  const SubmitterOptions options;
  const int64_t run_timeout_ns;
  const size_t max_message_bytes;

 private:
  // A task that is not answered. Its place in `slots`, and how often that was used, is the
  // client_tag that travels.
  struct Slot {
    uint64_t travels_as = 0;
    uint64_t client_tag = 0;  // The caller's.
    bool is_taken = false;
    Done done;
  };
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::StreamTasksRequest, v1::StreamTasksResponse>>
        stream;
    v1::StreamTasksResponse received;
    grpc::Status status;
    bool is_started = false;
    bool is_reading = false;
    bool is_writing = false;   // The event of a write is awaited,
    bool is_in_write = false;  // or a thread is in Write still.
    bool is_broken = false;    // Nothing more will succeed; the status is asked for.
    bool is_ending = false;
    size_t on_its_way = 0;  // Tasks written and not answered.
  };
  struct Answer {
    Done done;
    absl::StatusOr<v1::TaskResult> result;
  };

  using Lock = std::unique_lock<std::mutex>;

  void Poll();
  void OnEvent(void* tag, bool ok, Lock& lock);
  Slot* SlotOf(uint64_t travelled_as);
  void TakeRows(v1::StreamTasksResponse& rows, Lock& lock);
  void OnEnded(Lock& lock);
  void Tell(std::vector<Answer>& answers, Lock& lock);
  void Begin();
  // Begins what can be: a write that is due, the end of a broken call.
  void Advance(Lock& lock);
  void Write(Lock& lock);
  bool HasGathered() const { return gathered.specs_size() > 0 || !full.empty(); }
  bool IsDue() const;
  // Something waits that will be due without any event: in so many nanoseconds, else -1.
  int64_t DueIn() const;
  Done Release(Slot& slot);

  grpc::CompletionQueue queue;
  std::thread thread;
  std::mutex mutex;
  // From here on guarded by the mutex.
  std::condition_variable room;
  std::vector<Slot> slots;
  std::vector<uint32_t> free;
  std::deque<v1::StreamTasksRequest> full;  // To leave before what is gathered.
  v1::StreamTasksRequest gathered;
  v1::StreamTasksRequest leaving;  // While a thread is in Write, that thread's.
  size_t gathered_bytes = 0;
  int64_t gathered_since_ns = 0;
  bool is_awake = false;  // The thread will look at what is gathered by itself.
  bool is_closing = false;
  std::unique_ptr<Call> call;
};

}  // namespace weft
