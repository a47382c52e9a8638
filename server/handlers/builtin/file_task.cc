#include "handlers/builtin/file_task.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "handlers/payload_text.h"
#include "task/utf8.h"

namespace weft {
namespace {

constexpr size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL.
constexpr size_t kShownBytes = 256;     // Of a path, in a message.
// Of a file that is read without being brought first: one read's worth.
constexpr uint64_t kSmallBytes = 64 * 1024;
// Brought at a time. What is not cached takes a thread that long, where the Door works, too
// (bench/README.md, "File rows").
constexpr uint32_t kAheadBytes = 256 * 1024;
// Of a file that stays in the system's cache however it is read: what somebody may well read again,
// and whose like fit there by the hundred.
constexpr uint64_t kKeptBytes = 16 << 20;

absl::Status Wrong(std::string_view path, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the path ", QuoteForMessage(path), " ",
                                                 std::string(what),
                                                 "; expected one relative to handlers.file_root"));
}

// Null for errors that the system's own words explain well enough.
const char* Explain(int error) {
  switch (error) {
    case ENOENT:
      return "does not exist beneath handlers.file_root";
    case ELOOP:
      return "is a symbolic link or leads through one, and none is followed";
    case EXDEV:
      return "leads out of handlers.file_root";
    case ENOTDIR:
      return "leads through something that is not a directory";
    case ENAMETOOLONG:
      return "has a part that is longer than the file system takes";
    default:
      return nullptr;
  }
}

}  // namespace

absl::StatusOr<sys::Fd> OpenFileRoot(const std::string& path) {
  sys::Fd root(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.valid()) return root;
  return absl::InvalidArgumentError(absl::StrCat("handlers.file_root: ", QuoteForMessage(path),
                                                 " cannot be opened: ", strerrordesc_np(errno),
                                                 "; expected a directory"));
}

absl::Status CheckRelativePath(std::string_view path) {
  if (path.empty()) return Wrong(path, "is empty");
  if (path.size() > kMaxPathBytes) {
    return Wrong(path, absl::StrCat("has ", path.size(), " bytes, more than ", kMaxPathBytes));
  }
  if (path.find('\0') != std::string_view::npos) return Wrong(path, "holds a NUL byte");
  std::string valid;
  AssignUtf8(path, path.size(), &valid);
  if (valid != path) return Wrong(path, "is not UTF-8");
  if (path.front() == '/') return Wrong(path, "is absolute");
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..") return Wrong(path, "has a part \"..\"");
    if (part.empty() || part == ".") return Wrong(path, "has a part that is empty or \".\"");
    begin = end + 1;
  }
  return absl::OkStatus();
}

std::string_view FileTypeName(uint16_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a fifo";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    case S_IFLNK:
      return "a symbolic link";
    default:
      return "something of an unknown kind";
  }
}

std::string FileTask::Quoted() const {
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(path_.substr(0, kShownBytes)), "\"",
                      path_.size() > kShownBytes ? " (cut)" : "");
}

bool FileTask::Check() {
  if (access_.root_fd < 0) {
    return Refuse(context_.Fail(
        "handlers.file_root is not set, and files are worked on beneath that directory only"));
  }
  const absl::Status status = CheckRelativePath(path_);
  if (status.ok()) return permit_.Await() || Refuse(context_.Stop());
  const absl::string_view message = status.message();
  return Refuse(context_.Fail(TaskErrorCode::kInvalidPayload, {message.data(), message.size()}));
}

bool FileTask::Find(int directory, const std::string& name) {
  const TaskFile place(io_, io_.Open(directory, name.c_str(), O_PATH));
  is_missing_ = place.get() == -ENOENT;
  if (!place.valid()) return Refuse(Failed(place.get(), "opened"));
  if (const int error = io_.Stat(place.get(), &about_); error < 0) {
    return Refuse(Failed(error, "looked at"));
  }
  return IsRegular();
}

bool FileTask::Confirm(int fd) {
  if (const int error = io_.Stat(fd, &about_); error < 0) {
    return Refuse(Failed(error, "looked at"));
  }
  if (!IsRegular()) return false;
  // On file systems that cannot read without blocking, io_uring would answer EAGAIN for ever. This
  // system call never blocks.
  fcntl(fd, F_SETFL, 0);
  return true;
}

bool FileTask::IsRegular() {
  if (S_ISREG(about_.stx_mode)) return true;
  return Refuse(context_.Fail(absl::StrCat(
      Quoted(), " is ", std::string(FileTypeName(about_.stx_mode)), ", not a regular file")));
}

TaskOutcome FileTask::Failed(int64_t error, std::string_view did) {
  if (error == -ECANCELED) return context_.Stop();
  const int number = static_cast<int>(-error);
  if (const char* const words = Explain(number)) {
    return context_.Fail(absl::StrCat(Quoted(), " ", words));
  }
  const char* const words = strerrordesc_np(number);
  return context_.Fail(absl::StrCat(Quoted(), " could not be ", std::string(did), ": ",
                                    words != nullptr ? words : "unknown error", " (errno ", number,
                                    ")"));
}

int SequentialReader::DropRead() {
  return passing_bytes_ > 0 ? io_.Drop(fd_, passing_offset_, std::exchange(passing_bytes_, 0)) : 0;
}

// The next piece; the one before has been read.
int SequentialReader::Bring() {
  if (const int error = DropRead(); error < 0) return error;
  const auto bytes = static_cast<uint32_t>(std::min<uint64_t>(kAheadBytes, size_ - offset_));
  const int result = io_.ReadAhead(fd_, offset_, bytes);
  if (result < 0) return result;
  brought_ = offset_ + bytes;
  passing_offset_ = offset_;
  passing_bytes_ = result > 0 && size_ > kKeptBytes ? bytes : 0;
  return 0;
}

int64_t SequentialReader::Read(std::span<char> buffer) {
  // What the file has grown by since is the read's to bring.
  const uint64_t wanted = std::min(offset_ + buffer.size(), size_);
  if (size_ > kSmallBytes && wanted > brought_) {
    const int error = Bring();
    if (error < 0) return error;
  }
  const int64_t got = io_.Read(fd_, buffer, offset_);
  if (got > 0) offset_ += static_cast<uint64_t>(got);
  if (got >= 0 && static_cast<uint64_t>(got) < buffer.size()) {
    if (const int error = DropRead(); error < 0) return error;
  }
  return got;
}

}  // namespace weft
