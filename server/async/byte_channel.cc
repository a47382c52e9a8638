#include "async/byte_channel.h"

#include <algorithm>
#include <bit>

#include "async/wait_at.h"
#include "executor/task_host.h"

namespace weft {

ByteChannel::ByteChannel(size_t capacity_bytes)
    : ring_(std::bit_ceil(std::clamp<size_t>(capacity_bytes, 2, kCapacityMax))) {}

TryResult ByteChannel::TryWrite(std::span<const std::byte> bytes, size_t* count) {
  const TryResult tried = ring_.Write(bytes, count);
  if (tried == TryResult::kDone) reader_.WakeOne();
  return tried;
}

WaitResult ByteChannel::Write(TaskContext& context, std::span<const std::byte> bytes, size_t* count,
                              int64_t until_ns) {
  return WriteFrom(&context, bytes, count, until_ns);
}

WaitResult ByteChannel::WriteAll(TaskContext& context, std::span<const std::byte> bytes,
                                 size_t* count, int64_t until_ns) {
  *count = 0;
  WaitResult result = WaitResult::kDone;
  while (*count < bytes.size() && result == WaitResult::kDone) {
    size_t written = 0;
    result = WriteFrom(&context, bytes.subspan(*count), &written, until_ns);
    *count += written;
  }
  return result;
}

WaitResult ByteChannel::BlockingWrite(std::span<const std::byte> bytes, size_t* count,
                                      int64_t until_ns) {
  *count = 0;
  if (TaskHost::Here() != nullptr) return WaitResult::kElsewhere;
  return WriteFrom(nullptr, bytes, count, until_ns);
}

WaitResult ByteChannel::WriteFrom(TaskContext* context, std::span<const std::byte> bytes,
                                  size_t* count, int64_t until_ns) {
  return WaitAt<ChannelWaiter>(
      writer_, context, until_ns, [&] { return TryWrite(bytes, count); },
      [&] { return ring_.IsFull(); });
}

TryResult ByteChannel::TryRead(std::span<std::byte> bytes, size_t* count) {
  const TryResult tried = ring_.Read(bytes, count);
  if (tried == TryResult::kDone) writer_.WakeOne();
  return tried;
}

WaitResult ByteChannel::Read(TaskContext& context, std::span<std::byte> bytes, size_t* count,
                             int64_t until_ns) {
  return ReadFor(&context, bytes, count, until_ns);
}

WaitResult ByteChannel::BlockingRead(std::span<std::byte> bytes, size_t* count, int64_t until_ns) {
  *count = 0;
  if (TaskHost::Here() != nullptr) return WaitResult::kElsewhere;
  return ReadFor(nullptr, bytes, count, until_ns);
}

WaitResult ByteChannel::ReadFor(TaskContext* context, std::span<std::byte> bytes, size_t* count,
                                int64_t until_ns) {
  return WaitAt<ChannelWaiter>(
      reader_, context, until_ns, [&] { return TryRead(bytes, count); },
      [&] { return ring_.IsEmpty(); });
}

void ByteChannel::Close() {
  ring_.Close();
  reader_.WakeAll();
  writer_.WakeAll();
}

}  // namespace weft
