#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc/listen_socket.h"
#include "sys/fd.h"

namespace weft {

// A socket that the service manager has opened, and the name its unit gives it.
struct InheritedSocket {
  sys::Fd fd;
  std::string name;
};

// Those that $LISTEN_FDS tells of when they are for this process; the variables are removed. Call
// it once, while no other thread runs.
std::vector<InheritedSocket> TakeInheritedSockets();

// What they are for.
struct InheritedListeners {
  std::vector<ListenSocket> rpc;    // Named "rpc": TCP. They take the place of rpc.listen.
  std::vector<ListenSocket> local;  // Named "unix". They take the place of rpc.unix_socket.
};

// InvalidArgument names the first socket that is of no use, and what is right: another name, not a
// stream socket that listens, of the wrong family, or, unless insecure, within the reach of others.
absl::StatusOr<InheritedListeners> SortInheritedSockets(std::vector<InheritedSocket> sockets,
                                                        bool insecure);

}  // namespace weft
