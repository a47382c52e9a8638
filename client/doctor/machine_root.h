#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::doctor {

// Where /proc and /sys are: the machine's own, or a tree of files that a test has written. Any
// thread; reads only.
class MachineRoot {
 public:
  // `folder` goes before each path; "" for the machine itself.
  explicit MachineRoot(std::string folder = "") : folder_(std::move(folder)) {}

  // The text of the file without trailing white space, at most 1 MiB of it; nothing when it cannot
  // be read. `path` is absolute.
  [[nodiscard]] std::optional<std::string> Read(std::string_view path) const;

  // The whole number the file holds; nothing when it cannot be read or holds another text.
  [[nodiscard]] std::optional<int64_t> ReadNumber(std::string_view path) const;

  // Names in the folder, sorted; none when it cannot be read.
  [[nodiscard]] std::vector<std::string> List(std::string_view path) const;

  // Where the symbolic link points; nothing when it is none or cannot be read.
  [[nodiscard]] std::optional<std::string> ReadLink(std::string_view path) const;

  [[nodiscard]] bool Exists(std::string_view path) const;

 private:
  [[nodiscard]] std::string Full(std::string_view path) const;

  std::string folder_;
};

// The rest of the line of `text` that begins with `key` and a colon, without the white space around
// it; nothing when there is no such line.
[[nodiscard]] std::optional<std::string> FieldOf(std::string_view text, std::string_view key);

// The numbers of a list such as "0-2,5"; none for what is no such list or names over 65,536.
[[nodiscard]] std::vector<int> ParseCpuList(std::string_view text);

// "0-2,5" of {0, 1, 2, 5}.
[[nodiscard]] std::string FormatCpuList(const std::vector<int>& cpus);

}  // namespace weft::doctor
