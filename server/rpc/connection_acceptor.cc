#include "rpc/connection_acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

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

ConnectionAcceptor::ConnectionAcceptor(std::vector<InheritedListener> listeners,
                                       std::unique_ptr<Grpc> grpc)
    : listeners_(std::move(listeners)),
      grpc_(std::move(grpc)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (const InheritedListener& listener : listeners_) Prepare(listener.fd.get());
  thread_ = std::thread([this] { Run(); });
}

ConnectionAcceptor::~ConnectionAcceptor() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void ConnectionAcceptor::Run() {
  pthread_setname_np(pthread_self(), "weft-accept");
  std::vector<pollfd> sources = {{stop_.get(), POLLIN, 0}};
  for (const InheritedListener& listener : listeners_) {
    sources.push_back({listener.fd.get(), POLLIN, 0});
  }
  while (sources[0].revents == 0) {
    bool is_short = poll(sources.data(), sources.size(), -1) < 0 && IsShortage(errno);
    for (size_t i = 1; i < sources.size(); ++i) {
      if ((sources[i].revents & POLLIN) != 0) is_short |= !AcceptOne(sources[i].fd);
    }
    if (is_short) poll(sources.data(), 1, kRetryMs);
  }
}

// False when the process or the system is short of what a connection takes.
bool ConnectionAcceptor::AcceptOne(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return !IsShortage(errno);
  Grpc::NewConnectionParameters connection;
  connection.listener_fd = listener;
  connection.fd = fd;
  grpc_->HandleNewConnection(&connection);
  return true;
}

}  // namespace weft
