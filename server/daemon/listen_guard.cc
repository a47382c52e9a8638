#include "daemon/listen_guard.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

std::string Text(std::string_view text) { return std::string(text); }

// The bytes of a socket address, of either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// size stays 0 when the host is no IP address.
SocketAddress ToSocketAddress(const std::string& host, uint16_t port) {
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof(v4);
  } else if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof(v6);
  }
  return address;
}

absl::Status CannotMake(const std::string& folder) {
  return absl::FailedPreconditionError(
      absl::StrCat("rpc.unix_socket: folder ", folder, " cannot be made: ", std::strerror(errno)));
}

absl::Status CheckPath(const std::string& path) {
  constexpr size_t kLongest = sizeof(sockaddr_un{}.sun_path) - 1;
  if (path.starts_with('/') && !path.ends_with('/') && path.size() <= kLongest) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "rpc.unix_socket: \"", path,
      "\" is not right, expected the absolute path of a file, at most ", kLongest, " characters"));
}

std::string FolderOf(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
}

// Only the folder's owner writes there, and only its group may enter besides.
absl::Status CheckFolder(const std::string& folder, const struct stat& status) {
  if (!S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("rpc.unix_socket: ", folder, " is not a folder"));
  }
  if ((status.st_mode & 027) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "rpc.unix_socket: folder ", folder, " has mode ", absl::Hex((status.st_mode >> 6) & 7),
        absl::Hex((status.st_mode >> 3) & 7), absl::Hex(status.st_mode & 7),
        " and is open to others, expected 700, or 750 to let its group in"));
  }
  return absl::OkStatus();
}

// The folder that will hold the socket, made if it is missing. Returns its mode.
absl::StatusOr<mode_t> PrepareFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return CannotMake(folder);
  struct stat about {};
  if (stat(folder.c_str(), &about) != 0) return CannotMake(folder);
  if (absl::Status status = CheckFolder(folder, about); !status.ok()) return status;
  if (about.st_uid != geteuid()) {
    return absl::FailedPreconditionError(absl::StrCat("rpc.unix_socket: folder ", folder,
                                                      " belongs to user ", about.st_uid,
                                                      ", expected one of user ", geteuid()));
  }
  return about.st_mode & 0777;
}

// The caller holds the lock, so whatever socket stands there has no daemon any more.
absl::Status RemoveStaleSocket(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return absl::OkStatus();
  if (!S_ISSOCK(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("rpc.unix_socket: ", path, " exists and is not a socket"));
  }
  if (unlink(path.c_str()) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "rpc.unix_socket: stale ", path, " cannot be removed: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<sys::Fd> LockFile(const std::string& socket_path) {
  const std::string path = socket_path + ".lock";
  sys::Fd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("rpc.unix_socket: ", path, " cannot be opened: ", std::strerror(errno)));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::UnavailableError(absl::StrCat("rpc.unix_socket: another daemon listens on ",
                                               socket_path, " and holds ", path));
  }
  return lock;
}

}  // namespace

absl::Status CheckFree(std::string_view key, const ListenAddress& address) {
  const SocketAddress target = ToSocketAddress(address.host, address.port);
  const sys::Fd fd(socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;  // Connections of a daemon that has just ended do not hold the port.
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&target.storage), target.size) == 0 &&
      listen(fd.get(), 1) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      Text(key), ": cannot listen on ", FormatListenAddress(address), ": ", std::strerror(errno)));
}

std::string ResolveUnixSocket(const std::string& setting, const Environment& environment,
                              bool is_root) {
  if (setting != "auto") return setting;
  // systemd separates several folders by colons.
  const std::string runtime = environment("RUNTIME_DIRECTORY");
  if (!runtime.empty()) return runtime.substr(0, runtime.find(':')) + "/weftd.sock";
  const std::string session = environment("XDG_RUNTIME_DIR");
  if (!session.empty()) return session + "/weft/weftd.sock";
  return is_root ? "/run/weft/weftd.sock" : "";
}

absl::Status CheckUnixSocketPlace(const std::string& path) {
  if (absl::Status status = CheckPath(path); !status.ok()) return status;
  const std::string folder = FolderOf(path);
  struct stat about {};
  if (stat(folder.c_str(), &about) == 0) return CheckFolder(folder, about);
  if (errno != ENOENT) return CannotMake(folder);
  const std::string parent = FolderOf(folder) + "/";
  return access(parent.c_str(), W_OK | X_OK) == 0 ? absl::OkStatus() : CannotMake(folder);
}

absl::StatusOr<UnixSocketLock> UnixSocketLock::Acquire(const std::string& path) {
  if (absl::Status status = CheckPath(path); !status.ok()) return status;
  const absl::StatusOr<mode_t> folder = PrepareFolder(FolderOf(path));
  if (!folder.ok()) return folder.status();
  absl::StatusOr<sys::Fd> lock = LockFile(path);
  if (!lock.ok()) return lock.status();
  if (absl::Status status = RemoveStaleSocket(path); !status.ok()) return status;
  const bool lets_group_in = (*folder & 010) != 0;
  return UnixSocketLock(path, lets_group_in ? 0660 : 0600, std::move(*lock));
}

}  // namespace weft
