#include "config/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft {
namespace {

absl::Status Wrong(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status CannotRead(const std::string& path) {
  return Wrong(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
}

absl::Status CheckKind(const std::string& path, const struct stat& about) {
  if (S_ISDIR(about.st_mode)) return Wrong(path, "is a folder, expected a TOML file");
  if (!S_ISREG(about.st_mode)) {
    return Wrong(path, "is not a regular file and so cannot be read again");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(const std::string& path, int fd) {
  std::string text;
  char chunk[16 * 1024];
  for (;;) {
    const ssize_t count = read(fd, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return CannotRead(path);
    if (count == 0) return text;
    text.append(chunk, static_cast<size_t>(count));
    if (text.size() > kConfigFileBytesMax) {
      return Wrong(path, absl::StrCat("is longer than ", kConfigFileBytesMax, " bytes"));
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  // Without O_NONBLOCK the open of a pipe would wait for its writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return CannotRead(path);
  struct stat about {};
  absl::StatusOr<std::string> text = std::string();
  if (fstat(fd, &about) != 0) {
    text = CannotRead(path);
  } else if (absl::Status kind = CheckKind(path, about); !kind.ok()) {
    text = kind;
  } else {
    text = ReadAll(path, fd);
  }
  close(fd);
  return text;
}

}  // namespace weft
