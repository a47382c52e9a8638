#pragma once

#include <cstdint>
#include <memory>

#include "executor/executor.h"

namespace boost::asio {
class io_context;
}

namespace weft {

// Who runs the io_context that bodies are polled on.
enum class AsioRuns : uint8_t {
  kPolled,  // One of the executor's own, run by whoever calls PollOnce or BlockOn, one at a time.
  kOwnThread,  // One of the executor's own, run by a thread of its own until Shutdown.
  kLent,       // AsioOptions::context, run by whoever has lent it, on as many threads as it likes.
};

struct AsioOptions {
  static constexpr uint32_t kTasksMax = 1'048'576;

  AsioRuns runs = AsioRuns::kPolled;
  boost::asio::io_context* context = nullptr;  // With kLent; outlives the executor.
  uint32_t tasks_max = 10'000;  // Held at once, 1 to kTasksMax; beyond: kOutOfResources.
};

// Boost.Asio behind the seam: what is spawned is posted, a body that waits for a time has a timer,
// and a wake, from whatever thread, posts it again. A body is never polled twice at once, however
// many threads run the context; what it throws is a panic. A place for each task under way at once
// is allocated and used again; Boost.Asio allocates for a post from beyond its own threads.
//
// Any thread: Spawn, IsRunning, BodyWaker. BlockOn: any thread that is not running the context;
// with kPolled it runs it. PollOnce: kPolled only. Shutdown: any thread that is not running the
// context, and with kPolled nobody else may be polling; the last polls are made on it, which the
// bodies of a lent context have to bear. All else is kNotSupported.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(const AsioOptions& options = {});
  // Shuts down, unless that was done. A lent context may go on: what is still posted to it is void.
  ~AsioExecutor();

  ExecutorError Spawn(TaskBody& body) override;
  ExecutorError BlockOn(TaskBody& body) override;
  PollResult PollOnce() override;
  bool IsRunning() const override;
  ExecutorError Shutdown() override;

  // Any thread. Spawned and not yet ended.
  uint32_t task_count() const;

 private:
  class Parts;
  // Shared with what is posted, which a lent context may keep for longer than this lives.
  std::shared_ptr<Parts> parts_;
};

}  // namespace weft
