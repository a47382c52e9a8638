#include "client/doctor/kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/duration.h"
#include "client/doctor/ring_probe.h"

namespace weft::doctor {
namespace {

// openat2, which keeps the file handlers beneath their root, came with 5.6; the deferred task work
// that makes a ring cheap with 6.1.
constexpr int kOpenAt2 = 5'006;
constexpr int kDeferredTaskrun = 6'001;

constexpr char kMeanwhile[] = "; until then weftd does the same through threads, slower";

// Major times 1000 plus minor; 0 when the text is no release.
int VersionOf(const std::string& release) {
  const std::vector<std::string> parts = absl::StrSplit(release, absl::MaxSplits('.', 2));
  if (parts.size() < 2) return 0;
  const std::string minor_text = parts[1].substr(0, parts[1].find_first_not_of("0123456789"));
  int major = 0;
  int minor = 0;
  if (!absl::SimpleAtoi(parts[0], &major) || !absl::SimpleAtoi(minor_text, &minor)) return 0;
  return major * 1000 + minor;
}

Check Refused(std::string why, std::string fix) {
  return {"io_uring", Level::kWarning, "refused: " + std::move(why), std::move(fix) + kMeanwhile};
}

Check JudgeForbidden(const RingReading& reading) {
  const std::string what =
      absl::StrCat(reading.failed_call, " answers ", reading.error == EPERM ? "EPERM" : "EACCES");
  if (reading.disabled == 2) {
    return Refused(absl::StrCat(what, ", as kernel.io_uring_disabled is 2 (off for everybody)"),
                   "sysctl kernel.io_uring_disabled=0");
  }
  if (reading.disabled == 1) {
    return Refused(absl::StrCat(what, ", as kernel.io_uring_disabled is 1 (for a group only)"),
                   "put weftd's user into the group of the sysctl kernel.io_uring_group, or set "
                   "kernel.io_uring_disabled=0");
  }
  if (reading.is_filtered) {
    return Refused(
        what + ", by the seccomp filter of this container or unit",
        "allow io_uring_setup, io_uring_enter and io_uring_register: run the container "
        "with weft's seccomp profile (--security-opt seccomp=deploy/container/seccomp.json)");
  }
  return Refused(what + ", by a security module",
                 "see the audit log (dmesg, ausearch) for the policy that denied io_uring");
}

}  // namespace

KernelReading ReadKernel(const MachineRoot& root) {
  return {root.Read("/proc/sys/kernel/osrelease").value_or("")};
}

Check JudgeKernel(const KernelReading& reading) {
  const char* const kFix = "boot Linux 6.1 or later (Debian 12 has it)";
  const int version = VersionOf(reading.release);
  if (version == 0) {
    return {"kernel", Level::kWarning,
            absl::StrCat("the release cannot be read (\"", reading.release, "\")"),
            "mount /proc, then run weft doctor again"};
  }
  if (version < kOpenAt2) {
    return {"kernel", Level::kError,
            absl::StrCat("Linux ", reading.release,
                         " lacks openat2, which keeps file handlers in "
                         "their folder"),
            kFix};
  }
  if (version < kDeferredTaskrun) {
    return {"kernel", Level::kWarning,
            absl::StrCat("Linux ", reading.release, " lacks the cheap completions of io_uring"),
            kFix};
  }
  return {"kernel", Level::kOk, "Linux " + reading.release, ""};
}

RingReading ReadRing(const MachineRoot& root) {
  RingReading reading;
  const RingProbe probe = ProbeRing();
  reading.error = probe.error;
  reading.failed_call = probe.failed_call;
  reading.has_deferred_taskrun = probe.has_deferred_taskrun;
  reading.no_op_ns = probe.no_op_ns;
  reading.disabled = root.ReadNumber("/proc/sys/kernel/io_uring_disabled");
  const std::string status = root.Read("/proc/self/status").value_or("");
  reading.is_filtered = FieldOf(status, "Seccomp") == "2";
  return reading;
}

Check JudgeRing(const RingReading& reading) {
  switch (reading.error) {
    case 0:
      return {"io_uring", Level::kOk,
              absl::StrCat("works, ", reading.has_deferred_taskrun ? "with" : "without",
                           " deferred task work; a no-op takes ",
                           cli::FormatDuration(reading.no_op_ns)),
              ""};
    case EPERM:
    case EACCES:
      return JudgeForbidden(reading);
    case ENOSYS:
      return Refused(
          absl::StrCat(reading.failed_call, " answers ENOSYS, ",
                       reading.is_filtered ? "by this container's seccomp filter or a kernel"
                                           : "by a kernel",
                       " without it"),
          reading.is_filtered
              ? "run the container with weft's seccomp profile (--security-opt "
                "seccomp=deploy/container/seccomp.json), on a kernel with CONFIG_IO_URING"
              : "boot a kernel with CONFIG_IO_URING, 6.1 or later");
    case ENOMEM:
      return Refused(reading.failed_call + " answers ENOMEM: too little memory may be locked",
                     "raise the limit of locked memory (LimitMEMLOCK=infinity, ulimit -l)");
    case EMFILE:
    case ENFILE:
      return Refused(reading.failed_call + " finds no descriptor free",
                     "raise the limit of open files (LimitNOFILE=65536, ulimit -n)");
    default:
      return Refused(absl::StrCat(reading.failed_call, ": ", std::strerror(reading.error)),
                     "see dmesg for what the kernel says about io_uring");
  }
}

}  // namespace weft::doctor
