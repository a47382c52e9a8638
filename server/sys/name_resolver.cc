#include "sys/name_resolver.h"

#include <netdb.h>
#include <resolv.h>

#include <cerrno>
#include <string>
#include <utility>

#include "sys/io_pool.h"

namespace weft::sys {
namespace {

// Of each name server, twice: what the system waits otherwise (5 s) is longer than a drain.
constexpr int kServerTimeoutS = 2;
constexpr int kTries = 2;

// The calling thread's own settings.
void LimitNameServers() {
  static thread_local bool is_limited = false;
  if (is_limited) return;
  is_limited = res_init() == 0;
  _res.retrans = kServerTimeoutS;
  _res.retry = kTries;
}

int64_t ErrorOf(int code) {
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return -ENOENT;
    case EAI_AGAIN:
      return -EAGAIN;
    case EAI_MEMORY:
      return -ENOMEM;
    case EAI_SYSTEM:
      return errno != 0 ? -int64_t{errno} : -int64_t{EIO};
    default:
      return -EIO;
  }
}

}  // namespace

int64_t LookUpName(NameLookup* lookup) {
  LimitNameServers();
  // Also of a family that is not set up here: whoever asks tries each in turn.
  const addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const std::string port = std::to_string(lookup->port);
  lookup->addresses.clear();
  if (const int code = getaddrinfo(lookup->host.c_str(), port.c_str(), &wanted, &found);
      code != 0) {
    return ErrorOf(code);
  }
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const auto address = NetAddress::From(each->ai_addr, each->ai_addrlen);
    if (address.has_value()) lookup->addresses.push_back(*address);
    if (lookup->addresses.size() == NameLookup::kMostAddresses) break;
  }
  freeaddrinfo(found);
  return lookup->addresses.empty() ? -ENOENT : 0;
}

absl::StatusOr<std::unique_ptr<NameResolver>> NameResolver::Start(const std::vector<int>& cpus,
                                                                  Lookup look_up) {
  std::unique_ptr<NameResolver> resolver(new NameResolver(std::move(look_up)));
  for (size_t i = 0; i < kThreads; ++i) {
    ThreadOptions options;
    options.name = "weft-name-" + std::to_string(i);
    options.cpus = cpus;
    options.background = true;
    absl::StatusOr<Thread> thread =
        Thread::Start(options, [raw = resolver.get(), i] { raw->Run(&raw->works_[i]); });
    if (!thread.ok()) return thread.status();
    resolver->threads_.push_back(*std::move(thread));
  }
  return resolver;
}

NameResolver::~NameResolver() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  asked_.notify_all();
}

void NameResolver::Add(IoOperation* operation, PoolSeat* seat) {
  {
    const std::lock_guard lock(mutex_);
    operation->ring = seat;
    operation->is_waiting = true;
    queue_.Append(operation);
  }
  asked_.notify_one();
}

bool NameResolver::Withdraw(IoOperation* operation) {
  const std::lock_guard lock(mutex_);
  if (operation->is_waiting) {
    operation->is_waiting = false;
    queue_.Remove(operation);
    return true;
  }
  for (Work& work : works_) {
    if (work.operation != operation) continue;
    work.operation = nullptr;
    return true;
  }
  return false;
}

void NameResolver::Release(PoolSeat* seat) {
  std::unique_lock lock(mutex_);
  IoList others;
  while (IoOperation* const operation = queue_.Pop()) {
    if (operation->ring != seat) others.Append(operation);
  }
  queue_ = others;
  for (Work& work : works_) {
    if (work.operation != nullptr && work.operation->ring == seat) work.operation = nullptr;
  }
  quiet_.wait(lock, [this] { return telling_ == 0; });
}

void NameResolver::Run(Work* work) {
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    work->operation = queue_.Pop();
    work->operation->is_waiting = false;
    // A copy: the asker's may be gone before the answer.
    NameLookup lookup = {.host = work->operation->lookup->host,
                         .port = work->operation->lookup->port};
    lock.unlock();
    const int64_t result = look_up_(&lookup);
    lock.lock();
    IoOperation* const operation = std::exchange(work->operation, nullptr);
    if (operation == nullptr) continue;
    operation->result = result;
    operation->lookup->addresses = std::move(lookup.addresses);
    ++telling_;
    lock.unlock();
    static_cast<PoolSeat*>(operation->ring)->Complete(operation);
    lock.lock();
    // The seat may go from here on.
    if (--telling_ == 0) quiet_.notify_all();
  }
}

}  // namespace weft::sys
