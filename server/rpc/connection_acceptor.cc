#include "rpc/connection_acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// As gRPC does with sockets of its own: a connection may be gone by the time it is accepted, and
// small answers must not wait for more. The latter is refused for unix sockets, which never wait.
void Prepare(int listener) {
  fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
  const int yes = 1;
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(std::vector<ListenSocket> listeners,
                                       std::unique_ptr<Grpc> grpc, Counter& shortages)
    : listeners_(std::move(listeners)),
      grpc_(std::move(grpc)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      shortages_(shortages) {
  for (const ListenSocket& listener : listeners_) Prepare(listener.fd.get());
}

ConnectionAcceptor::~ConnectionAcceptor() {
  eventfd_write(stop_.get(), 1);
  thread_.reset();
}

absl::Status ConnectionAcceptor::Start() {
  if (!stop_.valid()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot accept connections: eventfd: ", std::strerror(errno)));
  }
  return sys::StartThread(&thread_, {.name = "weft-accept"}, [this] { Run(); });
}

void ConnectionAcceptor::Run() {
  std::vector<pollfd> sources = {{stop_.get(), POLLIN, 0}};
  for (const ListenSocket& listener : listeners_) {
    sources.push_back({listener.fd.get(), POLLIN, 0});
  }
  while (sources[0].revents == 0) {
    bool is_short = poll(sources.data(), sources.size(), -1) < 0 && IsShortage(errno);
    for (size_t i = 1; i < sources.size(); ++i) {
      if ((sources[i].revents & POLLIN) != 0) is_short |= !AcceptWaiting(sources[i].fd);
    }
    if (!is_short) continue;
    shortages_.Add();
    poll(sources.data(), 1, kRetryMs);
  }
}

// False when the process or the system is short of what a connection takes.
bool ConnectionAcceptor::AcceptWaiting(int listener) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0) {
      HandOver(listener, connection);
    } else if (IsShortage(errno)) {
      return false;
    } else if (errno == EAGAIN) {
      return true;
    }
    // Otherwise that connection was gone before it was accepted.
  }
  return true;
}

void ConnectionAcceptor::HandOver(int listener, int connection) {
  Grpc::NewConnectionParameters parameters;
  parameters.listener_fd = listener;
  parameters.fd = connection;
  grpc_->HandleNewConnection(&parameters);
}

}  // namespace weft
