#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "executor/task_context.h"
#include "executor/time_limit.h"
#include "sys/io_operation.h"

namespace weft {

// What the calls on sockets, pipes and processes are made of. Each suspends the task until it is
// done; results are not negative, or -errno: -ECANCELED and -ETIME as TaskContext::RunIo tells.
// limit_ns: for the whole of the call, however many operations that takes. Descriptors are
// non-blocking. Task's own thread only.

// One operation that waits for others, asked for again when a signal interrupted it, or when the
// kernel answers that it would have to wait: Linux before 6.0 may, where it should have waited.
int64_t RunAwaited(TaskContext& context, sys::IoOperation& operation);

// What a stream is read and written by.
struct StreamEnd {
  int fd = -1;
  sys::IoKind kind = sys::IoKind::kReceive;
};

// What there is, at least a byte; 0 at the end of the stream, or for an empty buffer.
int64_t ReadSome(TaskContext& context, StreamEnd from, std::span<char> buffer, int64_t limit_ns);
// Fills the buffer unless the stream ends before; how many bytes were read.
int64_t ReadFully(TaskContext& context, StreamEnd from, std::span<char> buffer, int64_t limit_ns);
// Writes what the system takes, at least a byte; the number of bytes, 0 if there are none.
int64_t WriteSome(TaskContext& context, StreamEnd to, std::string_view bytes, int64_t limit_ns);
// Writes all of it; the number of bytes. After an error a part may have been written.
int64_t WriteFully(TaskContext& context, StreamEnd to, std::string_view bytes, int64_t limit_ns);

}  // namespace weft
