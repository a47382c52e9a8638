#include "executor/stream_call.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "sys/awaited_call.h"

namespace weft {
namespace {

using sys::IoKind;
using sys::IoOperation;

// The most that one operation moves: its result is 32 bits.
constexpr size_t kBytesAtOnce = size_t{1} << 30;

int64_t Run(TaskContext& context, IoOperation& operation, TimeLimit& limit) {
  for (;;) {
    if (!limit.GiveTo(&operation)) return -ETIME;
    const int64_t result = context.RunIo(operation);
    if (result == -EINTR) continue;
    if (result != -EAGAIN) return result;
    IoOperation poll{.kind = IoKind::kPoll, .fd = operation.fd};
    poll.events = sys::EventsOf(operation);
    if (!limit.GiveTo(&poll)) return -ETIME;
    if (const int64_t error = context.RunIo(poll); error < 0 && error != -EINTR) return error;
  }
}

IoOperation Transfer(StreamEnd end, char* data, size_t bytes) {
  IoOperation operation{.kind = end.kind, .fd = end.fd};
  operation.data = data;
  operation.bytes = static_cast<uint32_t>(std::min(bytes, kBytesAtOnce));
  return operation;
}

}  // namespace

int64_t RunAwaited(TaskContext& context, IoOperation& operation) {
  TimeLimit limit(context, operation.time_limit_ns);
  return Run(context, operation, limit);
}

int64_t ReadSome(TaskContext& context, StreamEnd from, std::span<char> buffer, int64_t limit_ns) {
  if (buffer.empty()) return 0;
  TimeLimit limit(context, limit_ns);
  IoOperation operation = Transfer(from, buffer.data(), buffer.size());
  return Run(context, operation, limit);
}

int64_t ReadFully(TaskContext& context, StreamEnd from, std::span<char> buffer, int64_t limit_ns) {
  TimeLimit limit(context, limit_ns);
  size_t done = 0;
  while (done < buffer.size()) {
    IoOperation operation = Transfer(from, buffer.data() + done, buffer.size() - done);
    const int64_t moved = Run(context, operation, limit);
    if (moved < 0) return moved;
    if (moved == 0) break;
    done += static_cast<size_t>(moved);
  }
  return static_cast<int64_t>(done);
}

int64_t WriteSome(TaskContext& context, StreamEnd to, std::string_view bytes, int64_t limit_ns) {
  if (bytes.empty()) return 0;
  TimeLimit limit(context, limit_ns);
  // The system reads it only.
  IoOperation operation = Transfer(to, const_cast<char*>(bytes.data()), bytes.size());
  return Run(context, operation, limit);
}

int64_t WriteFully(TaskContext& context, StreamEnd to, std::string_view bytes, int64_t limit_ns) {
  TimeLimit limit(context, limit_ns);
  size_t done = 0;
  while (done < bytes.size()) {
    IoOperation operation =
        Transfer(to, const_cast<char*>(bytes.data()) + done, bytes.size() - done);
    const int64_t moved = Run(context, operation, limit);
    if (moved < 0) return moved;
    // A stream that takes nothing and gives no reason would be asked for ever.
    if (moved == 0) return -EIO;
    done += static_cast<size_t>(moved);
  }
  return static_cast<int64_t>(done);
}

}  // namespace weft
