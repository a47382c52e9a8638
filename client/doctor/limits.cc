#include "client/doctor/limits.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/doctor/byte_size.h"

namespace weft::doctor {
namespace {

// Kernels before 5.12 count rings as locked; those of a few cores fit into this.
constexpr int64_t kLockedBytesMin = int64_t{8} << 20U;
// Each client connection is a descriptor, and each task that works on a file has two. weftd lifts
// its soft limit to the hard one.
constexpr int64_t kOpenFilesMin = 8192;

std::optional<int64_t> LimitOf(const std::string& text) {
  if (text == "unlimited") return kUnlimited;
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

// A line of /proc/self/limits: a name of several words, soft, hard, unit.
LimitReading ReadLimit(const MachineRoot& root, const std::string& name) {
  const std::string text = root.Read("/proc/self/limits").value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, name)) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line.substr(name.size()), ' ', absl::SkipWhitespace());
    if (words.size() < 2) break;
    return {LimitOf(words[0]), LimitOf(words[1])};
  }
  return {};
}

Check Unreadable(const char* name) {
  return {name, Level::kWarning, "/proc/self/limits cannot be read",
          "mount /proc, then run weft doctor again"};
}

std::string Bytes(int64_t limit) { return limit == kUnlimited ? "unlimited" : FormatBytes(limit); }

std::string Count(int64_t limit) { return limit == kUnlimited ? "unlimited" : absl::StrCat(limit); }

}  // namespace

LimitReading ReadLockedMemory(const MachineRoot& root) {
  return ReadLimit(root, "Max locked memory");
}

Check JudgeLockedMemory(const LimitReading& reading) {
  const char* const kName = "locked memory";
  if (!reading.soft || !reading.hard) return Unreadable(kName);
  const std::string found =
      absl::StrCat("soft ", Bytes(*reading.soft), ", hard ", Bytes(*reading.hard));
  if (*reading.soft >= kLockedBytesMin) return {kName, Level::kOk, found, ""};
  return {kName, Level::kWarning,
          absl::StrCat(found, ": less than the ", FormatBytes(kLockedBytesMin),
                       " that kernels before 5.12 may count for the rings"),
          "LimitMEMLOCK=infinity in the unit, --ulimit memlock=-1 for a container, ulimit -l in a "
          "shell"};
}

LimitReading ReadRealtimePriority(const MachineRoot& root) {
  return ReadLimit(root, "Max realtime priority");
}

LimitReading ReadOpenFiles(const MachineRoot& root) { return ReadLimit(root, "Max open files"); }

Check JudgeOpenFiles(const LimitReading& reading) {
  const char* const kName = "open files";
  if (!reading.soft || !reading.hard) return Unreadable(kName);
  const std::string found =
      absl::StrCat("soft ", Count(*reading.soft), ", hard ", Count(*reading.hard));
  if (*reading.hard >= kOpenFilesMin) return {kName, Level::kOk, found, ""};
  return {
      kName, Level::kWarning,
      absl::StrCat(found, ": each connection takes one, each file task two, and a hard limit of ",
                   kOpenFilesMin, " serves the usual bounds"),
      "LimitNOFILE=65536 in the unit, --ulimit nofile=65536 for a container, ulimit -Hn 65536 in "
      "a shell"};
}

}  // namespace weft::doctor
