#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/listen_address.h"
#include "sys/fd.h"

namespace weft {

// Unavailable when somebody listens there already or the machine has no such address. Opens and
// closes a socket; someone may still come first.
absl::Status CheckFree(std::string_view key, const ListenAddress& address);

// Reads an environment variable; empty when it is not set.
using Environment = std::function<std::string(const char* name)>;

// What rpc.unix_socket means: "auto" is weftd.sock in $RUNTIME_DIRECTORY, else in
// $XDG_RUNTIME_DIR/weft, else for root in /run/weft, else none (empty); other text stays.
std::string ResolveUnixSocket(const std::string& setting, const Environment& environment,
                              bool is_root);

// Whether UnixSocketLock could be acquired as far as path and folder are concerned; changes
// nothing. Errors as there. Whom the folder belongs to and who holds the lock is not asked.
absl::Status CheckUnixSocketPlace(const std::string& path);

// The right to listen on a unix socket's path, held by a lock on PATH.lock until destroyed.
class UnixSocketLock {
 public:
  // Makes the parent folder with mode 0700 when it is missing, takes the lock and removes a socket
  // that a daemon left behind. InvalidArgument for a path that no socket can have;
  // FailedPrecondition when the folder is open to others, lets its group write, belongs to somebody
  // else, or something other than a socket stands there; Unavailable when another daemon holds the
  // lock.
  static absl::StatusOr<UnixSocketLock> Acquire(const std::string& path);
  // Giving up the lock is the end of it. Its file stays: removing it would let two daemons lock two
  // files of one name. The socket is removed by whoever listens on it, and before.
  UnixSocketLock(UnixSocketLock&&) = default;
  UnixSocketLock& operator=(UnixSocketLock&&) = delete;

  const std::string& path() const { return path_; }
  // What the socket's mode has to be: its folder says whom it is for. 0600, or 0660 when the group
  // may enter the folder.
  mode_t mode() const { return mode_; }

 private:
  UnixSocketLock(std::string path, mode_t mode, sys::Fd lock)
      : path_(std::move(path)), mode_(mode), lock_(std::move(lock)) {}

  std::string path_;
  mode_t mode_;
  sys::Fd lock_;
};

}  // namespace weft
