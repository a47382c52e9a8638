#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "sys/net_address.h"

namespace weft::sys {

// For tests that need somebody at the other end: blocking sockets of loopback, on free ports.

inline NetAddress AddressOf(const Fd& socket) {
  sockaddr_storage storage = {};
  socklen_t bytes = sizeof(storage);
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  EXPECT_EQ(getsockname(socket.get(), address, &bytes), 0);
  return NetAddress::From(address, bytes).value_or(NetAddress());
}

inline Fd ListenOnLoopback(int backlog = 16) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const NetAddress any = *NetAddress::Parse("127.0.0.1:0");
  EXPECT_EQ(bind(socket.get(), any.get(), any.bytes()), 0);
  EXPECT_EQ(listen(socket.get(), backlog), 0);
  return socket;
}

// A port where nobody listens, as long as this has it.
struct ClosedPort {
  Fd socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NetAddress address;

  ClosedPort() {
    const NetAddress any = *NetAddress::Parse("127.0.0.1:0");
    EXPECT_EQ(bind(socket.get(), any.get(), any.bytes()), 0);
    address = AddressOf(socket);
  }
};

// A listener that takes nobody in, so that whoever connects waits: its queue is full, and the
// system drops what comes beyond.
struct FullListener {
  Fd listener = ListenOnLoopback(0);
  std::vector<Fd> queued;
  NetAddress address = AddressOf(listener);

  FullListener() {
    for (int i = 0; i < 4; ++i) {
      queued.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      connect(queued.back().get(), address.get(), address.bytes());
    }
  }
};

// Two ends of one TCP connection. Both blocking unless told.
struct TcpPair {
  Fd near;
  Fd far;

  explicit TcpPair(int near_flags = SOCK_NONBLOCK) {
    const Fd listener = ListenOnLoopback();
    const NetAddress address = AddressOf(listener);
    far.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(far.get(), address.get(), address.bytes()), 0);
    near.Reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | near_flags));
    EXPECT_TRUE(near.valid());
  }
};

// Two ends of a connection whose buffers stay as full as FillWith has made them; those of TCP empty
// themselves into the peer's, which grow.
struct LocalPair {
  Fd near;  // Non-blocking.
  Fd far;

  LocalPair() {
    std::array<int, 2> ends = {};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    near.Reset(ends[0]);
    far.Reset(ends[1]);
    EXPECT_EQ(fcntl(near.get(), F_SETFL, O_NONBLOCK), 0);
  }
};

// The close of such a socket resets its connection.
inline void ResetOnClose(const Fd& socket) {
  const linger how = {.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &how, sizeof(how)), 0);
}

// Writes until the system takes no more; how many bytes it took. Of a LocalPair.
inline size_t FillWith(const Fd& socket, char byte) {
  const std::string piece(64 * 1024, byte);
  size_t count = 0;
  for (;;) {
    const ssize_t sent = send(socket.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (sent <= 0) return count;
    count += static_cast<size_t>(sent);
  }
}

// Blocks until so many bytes have come.
inline void ReadAway(const Fd& socket, size_t bytes) {
  std::string piece(64 * 1024, '\0');
  while (bytes > 0) {
    const ssize_t got = recv(socket.get(), piece.data(), std::min(piece.size(), bytes), 0);
    ASSERT_GT(got, 0);
    bytes -= static_cast<size_t>(got);
  }
}

}  // namespace weft::sys
