#include "client/doctor/grants.h"

#include <cstdlib>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/doctor/byte_size.h"
#include "client/doctor/limits.h"

namespace weft::doctor {
namespace {

constexpr char kConfigFile[] = "/etc/weft/weftd.toml";
// Slots and stacks of one core at the default bounds.
constexpr int64_t kBytesPerCore = int64_t{26} << 20U;
// Of linux/capability.h.
constexpr unsigned kIpcLock = 14;
constexpr unsigned kSysNice = 23;

// Whether `executor.KEY = true` stands in the TOML text, in its table or written whole. A file that
// is wrong is told by weftd.
bool IsSetTrue(const std::string& text, const std::string& key) {
  std::string table;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view code = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (absl::StartsWith(code, "[")) {
      table = std::string(code);
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(code, absl::MaxSplits('=', 1));
    if (absl::StripAsciiWhitespace(parts.second) != "true") continue;
    const absl::string_view name = absl::StripAsciiWhitespace(parts.first);
    if (name == absl::StrCat("executor.", key) || (name == key && table == "[executor]")) {
      return true;
    }
  }
  return false;
}

std::string AskedBy(const std::string& file, const std::string& key) {
  const std::string variable = absl::StrCat("WEFT_EXECUTOR_", absl::AsciiStrToUpper(key));
  const char* const value = std::getenv(variable.c_str());
  if (value != nullptr) return absl::string_view(value) == "true" ? variable : "";
  return IsSetTrue(file, key) ? kConfigFile : "";
}

bool HasCapability(const MachineRoot& root, unsigned bit) {
  const std::string status = root.Read("/proc/self/status").value_or("");
  uint64_t effective = 0;
  const std::string text = FieldOf(status, "CapEff").value_or("");
  return absl::SimpleHexAtoi(text, &effective) && ((effective >> bit) & 1U) != 0;
}

std::string LimitText(const std::optional<int64_t>& limit) {
  if (!limit) return "cannot be read";
  return *limit == kUnlimited ? "is unlimited" : absl::StrCat("is ", *limit);
}

Check Judge(const char* name, const char* key, const std::string& asked_by,
            const std::string& missing, const char* fix) {
  if (missing.empty()) return {name, Level::kOk, absl::StrCat("executor.", key, " may be set"), ""};
  if (asked_by.empty()) {
    return {name, Level::kOk, absl::StrCat("executor.", key, " is not asked for; ", missing), ""};
  }
  return {name, Level::kWarning,
          absl::StrCat("executor.", key, " = true by ", asked_by, ", and ", missing), fix};
}

}  // namespace

GrantReading ReadGrants(const MachineRoot& root) {
  const std::string file = root.Read(kConfigFile).value_or("");
  GrantReading reading;
  reading.realtime_asked_by = AskedBy(file, "realtime");
  reading.lock_asked_by = AskedBy(file, "lock_memory");
  reading.realtime_priority = ReadRealtimePriority(root).soft;
  reading.locked_bytes = ReadLockedMemory(root).soft;
  reading.has_sys_nice = HasCapability(root, kSysNice);
  reading.has_ipc_lock = HasCapability(root, kIpcLock);
  return reading;
}

Check JudgeRealtime(const GrantReading& reading) {
  std::string missing;
  if (!reading.has_sys_nice && reading.realtime_priority.value_or(0) < 1) {
    missing = absl::StrCat("the limit of realtime priority ", LimitText(reading.realtime_priority),
                           " without CAP_SYS_NICE: cores would be ordinary threads");
  }
  return Judge("realtime", "realtime", reading.realtime_asked_by, missing,
               "LimitRTPRIO=1 and RestrictRealtime=no in the unit, --ulimit rtprio=1 for a "
               "container, ulimit -r 1 in a shell");
}

Check JudgeMemoryLock(const GrantReading& reading) {
  std::string missing;
  if (!reading.has_ipc_lock && reading.locked_bytes.value_or(0) < kBytesPerCore) {
    missing = absl::StrCat("the limit of locked memory ", LimitText(reading.locked_bytes),
                           " without CAP_IPC_LOCK: less than the ", FormatBytes(kBytesPerCore),
                           " of one core at the default bounds");
  }
  return Judge("memory locks", "lock_memory", reading.lock_asked_by, missing,
               "LimitMEMLOCK=infinity in the unit, --ulimit memlock=-1 for a container, ulimit -l "
               "in a shell");
}

}  // namespace weft::doctor
