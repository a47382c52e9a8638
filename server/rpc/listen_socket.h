#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/fd.h"

namespace weft {

// The name of a unix socket in the file system. Takes it away when it goes, unless something else
// stands there by then. One owner, any thread.
class SocketName {
 public:
  SocketName() = default;  // None.
  // path: where the owner has just bound a socket, which stays open for longer than this lives, so
  // that no other file is mistaken for it.
  explicit SocketName(std::string path);
  ~SocketName();
  SocketName(SocketName&& other) noexcept;
  SocketName& operator=(SocketName&& other) noexcept;

 private:
  void Remove();

  std::string path_;  // Empty: none.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A socket that listens for gRPC connections: one of our own, or inherited from a service manager.
struct ListenSocket {
  sys::Fd fd;
  std::string address;  // "127.0.0.1:7411" or "unix:/run/weft/weftd.sock".
  SocketName name;      // Of a unix socket of our own. Goes before fd.
};

// Connections that wait to be accepted; net.core.somaxconn may lower it.
constexpr int kListenBacklog = 4096;

// Listens on "IP:PORT", "[IPv6]:PORT" or "NAME:PORT", on every IP address of the name; all sockets
// have the one address, with the port that was chosen in place of 0. Both "0.0.0.0" and "[::]" mean
// all addresses of IPv4 and IPv6. A port is never shared. Unavailable names the address and what
// the system said.
absl::StatusOr<std::vector<ListenSocket>> ListenOnTcp(const std::string& address);

// Listens on a path where nothing stands; mode is in force before anybody can connect. Unavailable
// names the path and what the system said.
absl::StatusOr<ListenSocket> ListenOnUnix(const std::string& path, mode_t mode);

}  // namespace weft
