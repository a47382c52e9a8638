#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "async/byte_ring.h"
#include "async/channel_ends.h"
#include "async/ring_channel.h"
#include "async/seat.h"
#include "async/wait_result.h"
#include "executor/task_context.h"

namespace weft {

// A stream of bytes from one writer to one reader, each a task of any host or a thread that runs
// none. Bounded; allocated when it is made. What is written at once may be read in pieces and the
// other way round. A side that waits goes on as soon as a byte can be moved; a second that would
// wait on the same side is refused with kElsewhere. What was written before it was closed is read.
// Goes when nobody is within its functions any more, which its ends see to.
class ByteChannel {
 public:
  using Item = std::byte;
  static constexpr bool kHasManySenders = false;
  static constexpr size_t kCapacityMax = size_t{1} << 30;

  // capacity_bytes: rounded up to a power of two, 2 to kCapacityMax.
  explicit ByteChannel(size_t capacity_bytes);
  ByteChannel(const ByteChannel&) = delete;
  ByteChannel& operator=(const ByteChannel&) = delete;

  // The writer. As many of the bytes as fit, at least one; of none, none. How many is in count,
  // which is 0 unless kDone. kWouldWait: it is full.
  TryResult TryWrite(std::span<const std::byte> bytes, size_t* count);
  // Suspends the task while it is full.
  WaitResult Write(TaskContext& context, std::span<const std::byte> bytes, size_t* count,
                   int64_t until_ns = kNoEnd);
  // Until all are written. Otherwise count says how many were, before it ended.
  WaitResult WriteAll(TaskContext& context, std::span<const std::byte> bytes, size_t* count,
                      int64_t until_ns = kNoEnd);
  // Blocks a thread that runs no tasks, elsewhere kElsewhere. until_ns: of
  // RemoteWaiter::ThreadNowNs.
  WaitResult BlockingWrite(std::span<const std::byte> bytes, size_t* count,
                           int64_t until_ns = kNoEnd);

  // The reader. As many as there are and fit into bytes; as above. kClosed: and no more come.
  TryResult TryRead(std::span<std::byte> bytes, size_t* count);
  WaitResult Read(TaskContext& context, std::span<std::byte> bytes, size_t* count,
                  int64_t until_ns = kNoEnd);
  WaitResult BlockingRead(std::span<std::byte> bytes, size_t* count, int64_t until_ns = kNoEnd);

  // Any thread. Nothing is written from here on; what was is still read.
  void Close();
  // What the writer, and the reader, does when it goes. Bytes need no dropping.
  void LoseSenders(const std::shared_ptr<void>& /*keep*/) { Close(); }
  void LoseReceiver(const std::shared_ptr<void>& /*keep*/) { Close(); }

  bool is_closed() const { return ring_.is_closed(); }
  size_t capacity() const { return ring_.capacity(); }

 private:
  WaitResult WriteFrom(TaskContext* context, std::span<const std::byte> bytes, size_t* count,
                       int64_t until_ns);
  WaitResult ReadFor(TaskContext* context, std::span<std::byte> bytes, size_t* count,
                     int64_t until_ns);

  ByteRing<> ring_;
  // Each changed by the other side at each transfer: on lines of that side.
  alignas(64) Seat<ChannelWaiter> reader_;
  alignas(64) Seat<ChannelWaiter> writer_;
};

// Its ends: what they do is asked of their channel().
using ByteWriter = SendingEnd<ByteChannel>;
using ByteReader = ReceivingEnd<ByteChannel>;

inline ChannelEnds<ByteChannel> OpenByteChannel(size_t capacity_bytes) {
  return OpenChannel<ByteChannel>(capacity_bytes);
}

}  // namespace weft
