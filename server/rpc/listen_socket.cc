#include "rpc/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// The bytes of a socket address, of either family.
struct Place {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* bytes() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool is_v6() const { return storage.ss_family == AF_INET6; }
  const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
  const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
  bool IsWildcard() const {
    return is_v6() ? IN6_IS_ADDR_UNSPECIFIED(&v6().sin6_addr) : v4().sin_addr.s_addr == INADDR_ANY;
  }
  uint16_t port() const { return ntohs(is_v6() ? v6().sin6_port : v4().sin_port); }
  void set_port(uint16_t port) {
    (is_v6() ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
             : reinterpret_cast<sockaddr_in&>(storage).sin_port) = htons(port);
  }
};

absl::Status Refusal(const char* key, const std::string& value, const std::string& reason) {
  return absl::UnavailableError(absl::StrCat(key, " \"", value, "\" cannot be bound: ", reason));
}

Place AllOf(int family, uint16_t port) {
  Place place;
  place.storage.ss_family = static_cast<sa_family_t>(family);
  place.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  place.set_port(port);
  return place;
}

absl::StatusOr<std::vector<Place>> Resolve(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return Refusal("rpc.listen", address, "there is no port");
  std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    const int system_error = errno;
    return Refusal("rpc.listen", address,
                   error == EAI_SYSTEM ? std::strerror(system_error) : gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<Place> places;
  for (; found != nullptr; found = found->ai_next) {
    Place& place = places.emplace_back();
    std::memcpy(&place.storage, found->ai_addr, found->ai_addrlen);
    place.size = found->ai_addrlen;
  }
  return places;
}

// 0, or what errno said.
int ListenAt(const Place& place, sys::Fd* fd) {
  const int yes = 1;
  const int no = 0;
  fd->Reset(socket(place.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd->valid()) return errno;
  // Connections of a daemon that has just ended do not hold the port.
  setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (place.is_v6()) setsockopt(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  if (bind(fd->get(), place.bytes(), place.size) != 0) return errno;
  return listen(fd->get(), kListenBacklog) == 0 ? 0 : errno;
}

// One IPv6 socket takes the connections of both families, where there is IPv6.
int ListenAtOrEverywhere(const Place& place, sys::Fd* fd) {
  if (!place.IsWildcard()) return ListenAt(place, fd);
  if (ListenAt(AllOf(AF_INET6, place.port()), fd) == 0) return 0;
  return ListenAt(AllOf(AF_INET, place.port()), fd);
}

uint16_t PortOf(const sys::Fd& fd) {
  Place place;
  place.size = sizeof(place.storage);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&place.storage), &place.size);
  return place.port();
}

// A name may stand for an address of a family that this machine does not have.
bool IsNoAddressOfOurs(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

}  // namespace

SocketName::SocketName(std::string path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  path_ = std::move(path);
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketName::~SocketName() { Remove(); }

SocketName::SocketName(SocketName&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketName& SocketName::operator=(SocketName&& other) noexcept {
  if (this == &other) return *this;
  Remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void SocketName::Remove() {
  if (path_.empty()) return;
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
    unlink(path_.c_str());
  }
}

absl::StatusOr<std::vector<ListenSocket>> ListenOnTcp(const std::string& address) {
  absl::StatusOr<std::vector<Place>> places = Resolve(address);
  if (!places.ok()) return places.status();
  std::vector<ListenSocket> sockets;
  int missing = 0;
  for (Place& place : *places) {
    if (!sockets.empty()) place.set_port(PortOf(sockets.front().fd));
    ListenSocket socket;
    const int error = ListenAtOrEverywhere(place, &socket.fd);
    if (error == 0) {
      socket.address = absl::StrCat(address.substr(0, address.rfind(':') + 1), PortOf(socket.fd));
      sockets.push_back(std::move(socket));
    } else if (IsNoAddressOfOurs(error)) {
      missing = error;
    } else {
      return Refusal("rpc.listen", address, std::strerror(error));
    }
  }
  if (sockets.empty()) return Refusal("rpc.listen", address, std::strerror(missing));
  return sockets;
}

absl::StatusOr<ListenSocket> ListenOnUnix(const std::string& path, mode_t mode) {
  const auto refuse = [&path](int error) {
    return Refusal("rpc.unix_socket", path, std::strerror(error));
  };
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  if (path.size() >= sizeof(place.sun_path)) return refuse(ENAMETOOLONG);
  path.copy(place.sun_path, path.size());
  ListenSocket made;
  made.address = absl::StrCat("unix:", path);
  made.fd.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd.valid()) return refuse(errno);
  if (bind(made.fd.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0) {
    return refuse(errno);
  }
  made.name = SocketName(path);
  // Whatever the umask is; nobody can connect before listen.
  if (chmod(path.c_str(), mode) != 0) return refuse(errno);
  if (listen(made.fd.get(), kListenBacklog) != 0) return refuse(errno);
  return made;
}

}  // namespace weft
