// Measures the core beside its floors and its peers, in alternating rounds of one run. Prints one
// JSON object a row and peer.
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "series.h"
#include "sys/thread.h"

namespace weft::bench {
namespace {

constexpr char kUsage[] =
    "weft_core_bench [--rounds N] [--seconds S] [--cpus A,B] [--only FAMILY]\n"
    "  --rounds   rounds of all measurements; each figure is their median (7)\n"
    "  --seconds  time of one measurement of one round (0.1)\n"
    "  --cpus     where to measure, and the other side of a hand-over (the first two allowed)\n"
    "  --only     spawn, suspend, uring, cold, hand_over, parked or throughput\n";

void UseAllowedCpus(Settings* settings) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  settings->near_cpu = cpus.front();
  settings->far_cpu = cpus.size() > 1 ? cpus[1] : -1;
}

bool Parse(int argc, char** argv, Settings* settings, std::string* only) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const char* const value = argv[i + 1];
    if (std::strcmp(argv[i], "--rounds") == 0) {
      settings->rounds = std::atoi(value);
    } else if (std::strcmp(argv[i], "--seconds") == 0) {
      settings->seconds = std::atof(value);
    } else if (std::strcmp(argv[i], "--only") == 0) {
      *only = value;
    } else if (std::strcmp(argv[i], "--cpus") != 0 ||
               std::sscanf(value, "%d,%d", &settings->near_cpu, &settings->far_cpu) != 2) {
      return false;
    }
  }
  return argc % 2 == 1 && settings->rounds > 0 && settings->seconds > 0;
}

// What the row is to come to in its own unit, 0 if nothing: the easier of a figure, which holds on
// one machine only, and a multiple of what was measured beside it.
double LimitOf(const Row& row) {
  if (row.target.times == 0) return row.target.figure;
  return std::max(row.target.figure, row.target.times * row.peers[row.target.of_peer].Median());
}

std::string TargetWords(const Row& row) {
  const Target& target = row.target;
  std::ostringstream words;
  if (target.figure > 0) words << (row.unit == Unit::kNanoseconds ? "<= " : ">= ") << target.figure;
  if (target.times > 0) {
    words << (target.figure > 0 ? " or " : "") << "<= " << target.times << " x "
          << row.peers[target.of_peer].name();
  }
  return words.str();
}

void PrintTarget(const Row& row) {
  const double limit = LimitOf(row);
  if (limit == 0) {
    std::printf("\"target\":null,\"target_words\":null,\"reached\":null}\n");
    return;
  }
  const double ours = row.weft.Median();
  const bool reached = row.unit == Unit::kNanoseconds ? ours <= limit : ours >= limit;
  std::printf("\"target\":%.2f,\"target_words\":\"%s\",\"reached\":%s}\n", limit,
              TargetWords(row).c_str(), reached ? "true" : "false");
}

void Print(const Row& row) {
  const char* const unit = row.unit == Unit::kNanoseconds ? "ns" : "1/s";
  if (!row.error.empty()) {
    std::printf("{\"name\":\"%s\",\"unit\":\"%s\",\"error\":\"%s\"}\n", row.name.c_str(), unit,
                row.error.c_str());
    return;
  }
  for (const Series& peer : row.peers) {
    std::printf(
        "{\"name\":\"%s\",\"unit\":\"%s\",\"weft\":%.2f,\"peer\":%.2f,\"peer_name\":\"%s\","
        "\"floor\":%.2f,\"ratio\":%.3f,\"min\":%.2f,\"max\":%.2f,\"runs\":%zu,\"cpus\":\"%s\","
        "\"idle\":\"%s\",",
        row.name.c_str(), unit, row.weft.Median(), peer.Median(), peer.name().c_str(),
        row.peers[0].Median(), row.weft.Median() / peer.Median(), row.weft.Min(), row.weft.Max(),
        row.weft.size(), row.cpus.c_str(), row.idle.c_str());
    PrintTarget(row);
  }
}

struct Family {
  const char* name;
  void (*measure)(const Settings& settings, std::vector<Row>* rows);
  bool needs_two_cpus;
};
constexpr Family kFamilies[] = {
    {"spawn", &MeasureSpawn, false},         {"suspend", &MeasureSuspend, false},
    {"uring", &MeasureUring, false},         {"cold", &MeasureCold, false},
    {"hand_over", &MeasureHandOver, true},   {"parked", &MeasureParked, true},
    {"throughput", &MeasureThroughput, true}};

int Run(int argc, char** argv) {
  Settings settings;
  UseAllowedCpus(&settings);
  std::string only;
  if (!Parse(argc, argv, &settings, &only)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const int near[] = {settings.near_cpu};
  if (const absl::Status pinned = sys::PinThisThread(near); !pinned.ok()) {
    std::fprintf(stderr, "%s\n", pinned.ToString().c_str());
    return 1;
  }
  const bool has_two = settings.far_cpu >= 0 && settings.far_cpu != settings.near_cpu;
  bool all_measured = true;
  for (const Family& family : kFamilies) {
    if (!only.empty() && only != family.name) continue;
    if (family.needs_two_cpus && !has_two) {
      std::fprintf(stderr, "one CPU only: %s is not measured\n", family.name);
      continue;
    }
    std::vector<Row> rows;
    family.measure(settings, &rows);
    for (const Row& row : rows) {
      Print(row);
      all_measured &= row.error.empty();
    }
    std::fflush(stdout);
  }
  return all_measured ? 0 : 1;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) { return weft::bench::Run(argc, argv); }
