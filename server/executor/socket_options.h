#pragma once

#include <optional>

namespace weft {

// What the system is told of a socket; what is not set stays as the system has it. Plain data.
struct SocketOptions {
  // Those of a listener.
  static SocketOptions ReusingAddress() {
    SocketOptions options;
    options.reuse_address = true;
    return options;
  }

  std::optional<bool> no_delay;    // TCP_NODELAY: small writes go at once.
  std::optional<bool> keep_alive;  // A peer that is gone is noticed, by default after two hours.
  // From when on a silent connection is asked, how often, and how many times in vain; seconds.
  std::optional<int> keep_alive_idle_s;
  std::optional<int> keep_alive_interval_s;
  std::optional<int> keep_alive_probes;
  // The system doubles them for its own use, and keeps them within net.core.[rw]mem_max.
  std::optional<int> receive_buffer_bytes;
  std::optional<int> send_buffer_bytes;
  std::optional<bool> reuse_address;
  std::optional<bool> reuse_port;
  // SO_LINGER of 0: a close throws away what was not sent and resets the connection. A close that
  // waits for the peer (SO_LINGER of more) is not offered: it would hold the core. Half-close the
  // stream and read to its end instead.
  std::optional<bool> reset_on_close;
  std::optional<int> hop_limit;  // The TTL, also of IPv6.
};

// Tells the system; 0, or the -errno of the first that it refuses, such as -EOPNOTSUPP for one of
// TCP on a unix socket. Never blocks. Any thread.
int ApplySocketOptions(int fd, const SocketOptions& options);

// As the system has them now; -errno in `error`, 0 if there was none.
struct SocketBuffers {
  int receive_bytes = 0;
  int send_bytes = 0;
  int error = 0;
};
SocketBuffers ReadSocketBuffers(int fd);

}  // namespace weft
