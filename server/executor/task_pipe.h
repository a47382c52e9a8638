#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "executor/stream_call.h"
#include "executor/task_context.h"
#include "sys/fd.h"

namespace weft {

// The two ends of a pipe, for two tasks or for a task and a process. Rules as in task_net.h. A
// write to a pipe that nobody reads raises SIGPIPE unless the process ignores it, as weftd does,
// and answers -EPIPE.
class PipeReader {
 public:
  PipeReader() = default;  // Not valid.

  // What there is, at least a byte; 0: nobody writes any more.
  int64_t Read(TaskContext& context, std::span<char> buffer, int64_t limit_ns = kNoTimeLimit);
  // Fills the buffer unless the pipe ends before; how many bytes were read.
  int64_t ReadExactly(TaskContext& context, std::span<char> buffer,
                      int64_t limit_ns = kNoTimeLimit);
  void Close() { fd_.Reset(); }
  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  friend struct PipeEnds;
  sys::Fd fd_;
};

class PipeWriter {
 public:
  PipeWriter() = default;  // Not valid.

  // Writes all of it; the number of bytes. After an error a part may have been written.
  int64_t Write(TaskContext& context, std::string_view bytes, int64_t limit_ns = kNoTimeLimit);
  void Close() { fd_.Reset(); }
  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  friend struct PipeEnds;
  sys::Fd fd_;
};

struct PipeEnds {
  PipeReader reader;
  PipeWriter writer;

  // 0 or -errno. A process that is given an end finds it blocking unless both are non-blocking, and
  // few programs expect that; so an end is non-blocking only if a task uses it.
  enum class UsedBy : uint8_t { kTasks, kProcessReads, kProcessWrites };
  int Open(UsedBy used_by = UsedBy::kTasks);
};

}  // namespace weft
