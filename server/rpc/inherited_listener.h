#pragma once

#include <string>

#include "sys/fd.h"

namespace weft {

// A socket that somebody else has opened for us and that listens for gRPC connections.
struct InheritedListener {
  sys::Fd fd;
  std::string address;  // "127.0.0.1:7411" or "unix:/run/weft/weftd.sock".
};

}  // namespace weft
