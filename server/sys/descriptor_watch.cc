#include "sys/descriptor_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sys/awaited_call.h"
#include "sys/io_pool.h"

namespace weft::sys {
namespace {

// Made at the start, so that few descriptors make more while tasks run.
constexpr size_t kFirstPlaces = 4'096;
// Taken from the kernel at a time.
constexpr size_t kMostEvents = 64;
constexpr uint32_t kAlwaysTold = EPOLLERR | EPOLLHUP;

}  // namespace

absl::StatusOr<std::unique_ptr<DescriptorWatch>> DescriptorWatch::Start(
    const std::vector<int>& cpus) {
  std::unique_ptr<DescriptorWatch> watch(new DescriptorWatch());
  watch->epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  watch->stop_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event stop = {.events = EPOLLIN, .data = {.fd = watch->stop_.get()}};
  if (!watch->epoll_.valid() || !watch->stop_.valid() ||
      epoll_ctl(watch->epoll_.get(), EPOLL_CTL_ADD, watch->stop_.get(), &stop) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no descriptors can be watched: ", std::strerror(errno),
                     "; raise the limit of open files (LimitNOFILE=, ulimit -n)"));
  }
  watch->waiting_.resize(kFirstPlaces);
  ThreadOptions options;
  options.name = "weft-watch";
  options.cpus = cpus;
  options.background = true;
  absl::StatusOr<Thread> thread = Thread::Start(options, [raw = watch.get()] { raw->Run(); });
  if (!thread.ok()) return thread.status();
  watch->threads_.push_back(*std::move(thread));
  return watch;
}

DescriptorWatch::~DescriptorWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  if (stop_.valid()) static_cast<void>(eventfd_write(stop_.get(), 1));
  threads_.clear();
}

// Asks for what all that wait for the descriptor want; 0 or -errno.
int DescriptorWatch::Arm(int fd) {
  uint32_t events = EPOLLONESHOT;
  for (const IoOperation* each = waiting_[static_cast<size_t>(fd)].front(); each != nullptr;
       each = each->next) {
    events |= EventsOf(*each);
  }
  epoll_event asked = {.events = events, .data = {.fd = fd}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &asked) == 0) return 0;
  // Never asked for, or closed since.
  if (errno == ENOENT && epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &asked) == 0) return 0;
  return -errno;
}

int DescriptorWatch::Add(IoOperation* operation, PoolSeat* seat) {
  if (operation->fd < 0) return -EBADF;
  const auto place = static_cast<size_t>(operation->fd);
  const std::lock_guard lock(mutex_);
  if (place >= waiting_.size()) waiting_.resize(place + 1);
  operation->ring = seat;
  operation->is_waiting = true;
  waiting_[place].Append(operation);
  const int error = Arm(operation->fd);
  if (error == 0) return 0;
  operation->is_waiting = false;
  waiting_[place].Remove(operation);
  return error;
}

bool DescriptorWatch::Withdraw(IoOperation* operation) {
  const std::lock_guard lock(mutex_);
  if (!operation->is_waiting) return false;
  operation->is_waiting = false;
  waiting_[static_cast<size_t>(operation->fd)].Remove(operation);
  return true;
}

void DescriptorWatch::Release(PoolSeat* seat) {
  std::unique_lock lock(mutex_);
  for (IoList& list : waiting_) {
    IoList others;
    while (IoOperation* const operation = list.Pop()) {
      if (operation->ring != seat) others.Append(operation);
    }
    list = others;
  }
  quiet_.wait(lock, [this] { return !is_telling_; });
}

// Those that may be attempted leave the list; for the others it is asked again.
void DescriptorWatch::TakeReady(int fd, uint32_t events, IoList* ready) {
  IoList& list = waiting_[static_cast<size_t>(fd)];
  IoList others;
  while (IoOperation* const operation = list.Pop()) {
    if ((events & (EventsOf(*operation) | kAlwaysTold)) == 0) {
      others.Append(operation);
      continue;
    }
    operation->is_waiting = false;
    ready->Append(operation);
  }
  list = others;
  if (list.empty() || Arm(fd) == 0) return;
  // It was closed under those who wait: their attempts tell them.
  while (IoOperation* const operation = list.Pop()) {
    operation->is_waiting = false;
    ready->Append(operation);
  }
}

void DescriptorWatch::Run() {
  std::array<epoll_event, kMostEvents> events;
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    lock.unlock();
    const int count = epoll_wait(epoll_.get(), events.data(), kMostEvents, -1);
    lock.lock();
    IoList ready;
    for (const epoll_event& event :
         std::span(events).first(static_cast<size_t>(count < 0 ? 0 : count))) {
      if (event.data.fd != stop_.get()) TakeReady(event.data.fd, event.events, &ready);
    }
    is_telling_ = true;
    lock.unlock();
    while (IoOperation* const operation = ready.Pop()) {
      static_cast<PoolSeat*>(operation->ring)->Complete(operation);
    }
    lock.lock();
    is_telling_ = false;
    quiet_.notify_all();
  }
}

}  // namespace weft::sys
