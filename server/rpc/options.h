#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weft {

// The gRPC front. Bounds without a configuration key are fixed and named here.
struct RpcOptions {
  std::vector<std::string> listen = {"127.0.0.1:7411"};  // rpc.listen; port 0: any free one.
  std::string unix_socket;                               // rpc.unix_socket; empty: none.
  mode_t unix_socket_mode = 0600;              // As the socket's folder says; see UnixSocketLock.
  size_t max_payload_bytes = 4 * 1024 * 1024;  // limits.max_payload_bytes
  size_t max_streams = 256;      // limits.max_streams: StreamTasks calls open at once.
  size_t max_watchers = 16;      // limits.max_watchers: of WatchStats, and of WatchTasks.
  size_t max_calls_posted = 32;  // limits.max_calls_posted: of each task method; 256 cost 6 %.
  size_t max_calls = 65'536;     // limits.max_calls: of each task method, being answered at once.

  // Larger messages are refused by gRPC itself. Room above one payload, so that one over its limit
  // is refused with its field, and so that a stream's message carries several.
  size_t max_message_bytes = 16 * 1024 * 1024;

  // Of one stream: rows read and not yet handed to the client, and bytes of results that wait. At
  // either, the stream is not read any further until rows have left.
  size_t stream_rows_max = 16'384;
  size_t stream_bytes_max = 1024 * 1024;
  // So many rows are sent at once; fewer only when the next round brings no more.
  size_t stream_gather_rows = 64;
  // Payloads of a stream's tasks, beyond which it is read no further: so much that a few of the
  // largest that sleep do not hold up the rows behind them.
  size_t stream_payload_bytes_max() const { return 4 * max_payload_bytes; }
  // Of one outgoing message of a stream; a single row may exceed the bytes.
  size_t stream_message_bytes_max = 1024 * 1024;

  // Of one watcher of tasks: events that wait because its client has not read those before. At
  // either, further ones are dropped and counted.
  size_t watch_events_max = 4'096;  // limits.max_watcher_events
  size_t watch_bytes_max = 1024 * 1024;
  // Events are sent together up to about that size.
  size_t watch_message_bytes_max = 64 * 1024;

  size_t max_watches = 256;     // Health.Watch calls open at once.
  size_t max_reflections = 16;  // Reflection calls open at once; more wait.

  size_t receive_bytes_max() const {
    constexpr size_t kRoomForTheRest = 64 * 1024;
    const size_t one_payload = max_payload_bytes + kRoomForTheRest;
    return one_payload > max_message_bytes ? one_payload : max_message_bytes;
  }
};

}  // namespace weft
