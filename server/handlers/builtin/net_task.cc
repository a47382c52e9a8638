#include "handlers/builtin/net_task.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "executor/task_resolve.h"

namespace weft {
namespace {

// Taken from a socket, and given to one, at a time; other tasks run in between.
constexpr size_t kPieceBytes = 16 * 1024;

// Null for errors that the system's own words explain well enough.
const char* Explain(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "nobody listens there";
    case EMFILE:
    case ENFILE:
      return "no descriptor is left; raise the limit of open files (LimitNOFILE=, ulimit -n)";
    default:
      return nullptr;
  }
}

}  // namespace

bool NetTask::Check() {
  if (!access_.allow.empty()) return true;
  return Refuse(
      context_.Fail("handlers.net_allow is empty, and tasks talk to the hosts that it names only"));
}

bool NetTask::Connect(const HostPort& whom) {
  whom_ = whom.Text();
  if (!IsAllowed(whom, access_.allow)) {
    return Refuse(context_.Fail(absl::StrCat("handlers.net_allow does not name ", whom_)));
  }
  end_ns_ = context_.NowNs() + access_.time_limit_ns;
  if (!permit_.Await()) return Refuse(context_.Stop());
  std::vector<sys::NetAddress> addresses;
  if (!Resolve(whom, &addresses)) return false;
  // One that does not answer leaves the others their share of the time.
  int error = 0;
  auto left = static_cast<int64_t>(addresses.size());
  for (const sys::NetAddress& address : addresses) {
    const int64_t share_ns = std::max<int64_t>(1, LeftNs() / left--);
    error = TcpStream::Connect(context_, address, &stream_, {.limit_ns = share_ns});
    if (error == 0) return true;
    if (error == -ECANCELED) break;
  }
  return Failed(error, "connected to");
}

bool NetTask::Resolve(const HostPort& whom, std::vector<sys::NetAddress>* addresses) {
  sys::NameLookup lookup = {.host = whom.host, .port = whom.port};
  const int error = ResolveName(context_, &lookup, LeftNs());
  *addresses = std::move(lookup.addresses);
  if (error == 0) return true;
  if (error == -ENOENT) {
    return Refuse(context_.Fail(absl::StrCat(whom_, " could not be looked up: no such name")));
  }
  if (error == -EAGAIN) {
    return Refuse(
        context_.Fail(absl::StrCat(whom_, " could not be looked up: no name server answered")));
  }
  return Failed(error, "looked up");
}

int64_t NetTask::LeftNs() { return std::max<int64_t>(1, end_ns_ - context_.NowNs()); }

bool NetTask::Failed(int64_t error, std::string_view did) {
  if (error == -ECANCELED) return Refuse(context_.Stop());
  if (error == -ETIME) {
    return Refuse(context_.Fail(absl::StrCat(whom_, " could not be ", std::string(did),
                                             " within handlers.net_time_limit_ms, ",
                                             access_.time_limit_ns / 1'000'000, " ms")));
  }
  const int number = static_cast<int>(-error);
  const char* words = Explain(number);
  if (words == nullptr) words = strerrordesc_np(number);
  return Refuse(context_.Fail(absl::StrCat(whom_, " could not be ", std::string(did), ": ",
                                           words != nullptr ? words : "unknown error", " (errno ",
                                           number, ")")));
}

bool NetTask::Send(std::string_view bytes) {
  const int64_t sent = stream_.Write(context_, bytes, LeftNs());
  return sent >= 0 || Failed(sent, "written to");
}

int64_t NetTask::Receive(std::span<char> buffer) {
  const int64_t got = stream_.Read(context_, buffer, LeftNs());
  if (got < 0) Failed(got, "read from");
  return got;
}

// Straight into the answer: a task's stack may be no larger than a piece.
bool NetTask::TakeIn(std::string* answer, bool* has_ended) {
  const size_t had = answer->size();
  answer->resize(had + kPieceBytes);
  const int64_t got = Receive({answer->data() + had, kPieceBytes});
  if (got < 0) return false;
  answer->resize(had + static_cast<size_t>(got));
  *has_ended = got == 0;
  return answer->size() <= access_.answer_bytes() || Refuse(TooLarge());
}

bool NetTask::Exchange(std::string_view bytes, std::string* answer) {
  bool has_ended = false;
  while (!bytes.empty()) {
    const uint32_t wanted = has_ended ? POLLOUT : POLLOUT | POLLIN;
    const int64_t events = stream_.AwaitEvents(context_, wanted, LeftNs());
    if (events < 0) return Failed(events, "reached");
    if ((events & POLLIN) != 0 && !has_ended && !TakeIn(answer, &has_ended)) return false;
    if ((events & ~int64_t{POLLIN}) == 0) continue;
    const int64_t sent = stream_.WriteSome(context_, bytes.substr(0, kPieceBytes), LeftNs());
    if (sent < 0) return Failed(sent, "written to");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  // A peer that is gone already is met by the read.
  stream_.CloseWrite();
  while (!has_ended) {
    if (!TakeIn(answer, &has_ended)) return false;
  }
  return true;
}

TaskOutcome NetTask::TooLarge() {
  return context_.Fail(
      TaskErrorCode::kOutputTooLarge,
      absl::StrCat("the answer of ", whom_, " has more than ", access_.answer_bytes(), " bytes (",
                   std::string(access_.answer_key()), ")"));
}

}  // namespace weft
