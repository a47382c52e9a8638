#include "client/doctor/clock_source.h"

#include <algorithm>
#include <ctime>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weft::doctor {
namespace {

constexpr int kReads = 10'000;
// Through the vDSO it is some tens; a clock behind a system call or a device port takes more.
constexpr int64_t kKernelReadGoodNs = 200;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

int64_t CostOfKernelRead() {
  const int64_t began_ns = NowNs();
  int64_t last_ns = began_ns;
  for (int i = 0; i < kReads; ++i) last_ns = NowNs();
  return (last_ns - began_ns) / kReads;
}

int64_t CostOfTscRead() {
#if defined(__x86_64__)
  const int64_t began_ns = NowNs();
  for (int i = 0; i < kReads; ++i) {
    const volatile uint64_t ticks = __rdtsc();
    static_cast<void>(ticks);
  }
  return (NowNs() - began_ns) / kReads;
#else
  return 0;
#endif
}

}  // namespace

ClockReading ReadClock(const MachineRoot& root) {
  ClockReading reading;
  const std::string cpuinfo = root.Read("/proc/cpuinfo").value_or("");
  const std::vector<std::string> flags =
      absl::StrSplit(FieldOf(cpuinfo, "flags").value_or(""), ' ');
  const auto has = [&](const char* flag) {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  };
  reading.has_tsc = has("tsc");
  reading.has_constant = has("constant_tsc");
  reading.has_nonstop = has("nonstop_tsc");
  reading.source =
      root.Read("/sys/devices/system/clocksource/clocksource0/current_clocksource").value_or("");
  reading.kernel_read_ns = CostOfKernelRead();
  if (reading.has_tsc) reading.tsc_read_ns = CostOfTscRead();
  return reading;
}

Check JudgeClock(const ClockReading& reading) {
  const char* const kName = "clock";
  const std::string source = reading.source.empty() ? "unknown" : reading.source;
  const std::string kernel =
      absl::StrCat("clocksource ", source, ", ", reading.kernel_read_ns, " ns a reading");
  const bool is_kernel_slow = reading.kernel_read_ns > kKernelReadGoodNs;
  if (reading.has_tsc && reading.has_constant && reading.has_nonstop) {
    const std::string found =
        absl::StrCat("TSC steady, ", reading.tsc_read_ns, " ns a reading; ", kernel);
    if (!is_kernel_slow) return {kName, Level::kOk, found, ""};
    return {kName, Level::kWarning, found + ": the kernel found the TSC unstable",
            "see dmesg for \"clocksource\"; weftd takes the TSC, so times of tasks may be wrong"};
  }
  if (!is_kernel_slow) {
    const char* const why = !reading.has_tsc        ? "no TSC"
                            : !reading.has_constant ? "the TSC changes its rate"
                                                    : "the TSC may stop";
    const std::string found = absl::StrCat(why, ", so weftd asks the kernel; ", kernel);
    if (!reading.has_tsc) return {kName, Level::kOk, found, ""};
    return {kName, Level::kWarning, found,
            "on a virtual machine pass the CPU through with invtsc (-cpu host,+invtsc); each task "
            "then costs two cheaper readings"};
  }
  return {kName, Level::kWarning,
          absl::StrCat("weftd has to ask the kernel, and that is slow: ", kernel),
          "choose a clocksource that needs no system call: see available_clocksource beside "
          "current_clocksource in /sys/devices/system/clocksource/clocksource0"};
}

}  // namespace weft::doctor
