#include "daemon/process_metrics.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace weft {
namespace {

int64_t UnixNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void CollectMemory(MetricWriter& writer) {
  std::ifstream file("/proc/self/statm");
  int64_t virtual_pages = 0;
  int64_t resident_pages = 0;
  if (!(file >> virtual_pages >> resident_pages)) return;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  writer.WriteGauge({"process_resident_memory_bytes", "Memory of the process that is in RAM."}, {},
                    static_cast<double>(resident_pages) * page_bytes);
  writer.WriteGauge({"process_virtual_memory_bytes", "Address space of the process."}, {},
                    static_cast<double>(virtual_pages) * page_bytes);
}

void CollectDescriptors(MetricWriter& writer) {
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    writer.WriteGauge({"process_open_fds", "Open descriptors, one of this count's own included."},
                      {}, static_cast<double>(std::distance(begin(open), end(open))));
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  writer.WriteGauge({"process_max_fds", "Bound of process_open_fds."}, {},
                    static_cast<double>(limit.rlim_cur));
}

}  // namespace

ProcessMetrics::ProcessMetrics(std::function<bool()> is_ready)
    : is_ready_(std::move(is_ready)), started_unix_ns_(UnixNs()) {}

void ProcessMetrics::Collect(MetricWriter& writer) const {
  writer.WriteGauge({"weft_daemon_ready", "1 when tasks are taken; 0 while starting or draining."},
                    {}, is_ready_() ? 1 : 0);
  writer.WriteGauge({"process_start_time_seconds", "When the daemon started, Unix time."}, {},
                    SecondsFromNs(started_unix_ns_));
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    writer.WriteCounter({"process_cpu_seconds_total", "CPU time of all threads, user and system."},
                        {}, SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime));
  }
  CollectMemory(writer);
  CollectDescriptors(writer);
}

}  // namespace weft
