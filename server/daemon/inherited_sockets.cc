#include "daemon/inherited_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/listen_address.h"

namespace weft {
namespace {

int Option(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

std::string UnixAddress(const sockaddr_un& address, socklen_t size) {
  const size_t length = size - offsetof(sockaddr_un, sun_path);
  if (length > 0 && address.sun_path[0] == '\0') {
    return absl::StrCat("unix-abstract:", std::string(address.sun_path + 1, length - 1));
  }
  return absl::StrCat("unix:", address.sun_path);
}

std::string TcpAddress(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return absl::StrCat("[", text, "]:", ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
  inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  return absl::StrCat(text, ":", ntohs(v4.sin_port));
}

// Of a socket of the family that its name promises.
absl::StatusOr<std::string> AddressOf(const InheritedSocket& socket, const std::string& subject) {
  if (Option(socket.fd.get(), SO_TYPE) != SOCK_STREAM ||
      Option(socket.fd.get(), SO_ACCEPTCONN) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        subject, " is not a stream socket that listens, expected ListenStream= and Accept=no"));
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&storage), &size);
  const bool is_unix = storage.ss_family == AF_UNIX;
  if (is_unix != (socket.name == "unix")) {
    return absl::InvalidArgumentError(
        absl::StrCat(subject, is_unix ? " is a unix socket, expected FileDescriptorName=unix"
                                      : " is not a unix socket, expected FileDescriptorName=rpc"));
  }
  return is_unix ? UnixAddress(reinterpret_cast<const sockaddr_un&>(storage), size)
                 : TcpAddress(storage);
}

}  // namespace

std::vector<InheritedSocket> TakeInheritedSockets() {
  std::vector<InheritedSocket> sockets;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    sockets.push_back({sys::Fd(SD_LISTEN_FDS_START + i), names[i]});
    free(names[i]);
  }
  free(names);
  return sockets;
}

absl::StatusOr<InheritedListeners> SortInheritedSockets(std::vector<InheritedSocket> sockets,
                                                        bool insecure) {
  InheritedListeners listeners;
  for (InheritedSocket& socket : sockets) {
    const std::string subject =
        absl::StrCat("inherited socket ", socket.fd.get(), " named \"", socket.name, "\"");
    if (socket.name == "web") {
      return absl::InvalidArgumentError(absl::StrCat(
          subject, ": the web listener cannot be inherited, expected web.listen instead"));
    }
    if (socket.name != "rpc" && socket.name != "unix") {
      return absl::InvalidArgumentError(absl::StrCat(
          subject, " has no purpose, expected FileDescriptorName=rpc or unix in its unit"));
    }
    absl::StatusOr<std::string> address = AddressOf(socket, subject);
    if (!address.ok()) return address.status();
    if (socket.name == "unix") {
      listeners.local.push_back({std::move(socket.fd), *std::move(address)});
      continue;
    }
    const std::optional<ListenAddress> parsed = ParseListenAddress(*address);
    if (!insecure && (!parsed.has_value() || !parsed->is_loopback)) {
      return absl::InvalidArgumentError(absl::StrCat(
          subject, ": ", *address,
          " is reachable from other machines, and nothing is encrypted or authenticated; expected "
          "a loopback address, or security.insecure = true to allow it all the same"));
    }
    listeners.rpc.push_back({std::move(socket.fd), *std::move(address)});
  }
  return listeners;
}

}  // namespace weft
