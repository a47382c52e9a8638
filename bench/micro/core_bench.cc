// Measures the core beside its floors and its peers, in alternating rounds of one run. Prints one
// JSON object a row and peer.
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "series.h"
#include "sys/thread.h"

namespace weft::bench {
namespace {

constexpr char kUsage[] =
    "weft_core_bench [--rounds N] [--seconds S] [--cpus A,B]\n"
    "  --rounds   rounds of all measurements; each figure is their median (5)\n"
    "  --seconds  time of one measurement of one round (0.2)\n"
    "  --cpus     where to measure, and the other side of a hand-over (the first two allowed)\n";

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

bool Parse(int argc, char** argv, Settings* settings) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const char* const value = argv[i + 1];
    if (std::strcmp(argv[i], "--rounds") == 0) {
      settings->rounds = std::atoi(value);
    } else if (std::strcmp(argv[i], "--seconds") == 0) {
      settings->seconds = std::atof(value);
    } else if (std::strcmp(argv[i], "--cpus") != 0 ||
               std::sscanf(value, "%d,%d", &settings->near_cpu, &settings->far_cpu) != 2) {
      return false;
    }
  }
  return argc % 2 == 1 && settings->rounds > 0 && settings->seconds > 0;
}

void Print(const Row& row) {
  for (const Series& peer : row.peers) {
    std::printf(
        "{\"name\":\"%s\",\"unit\":\"ns\",\"weft\":%.2f,\"peer\":%.2f,\"peer_name\":\"%s\","
        "\"floor\":%.2f,\"ratio\":%.3f,\"min\":%.2f,\"max\":%.2f,\"runs\":%zu,\"cpus\":\"%s\","
        "\"idle\":\"%s\"}\n",
        row.name.c_str(), row.weft.Median(), peer.Median(), peer.name().c_str(), row.floor.Median(),
        row.weft.Median() / peer.Median(), row.weft.Min(), row.weft.Max(), row.weft.size(),
        row.cpus.c_str(), row.idle.c_str());
  }
}

int Run(int argc, char** argv) {
  Settings settings;
  UseAllowedCpus(&settings);
  if (!Parse(argc, argv, &settings)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const int near[] = {settings.near_cpu};
  if (const absl::Status pinned = sys::PinThisThread(near); !pinned.ok()) {
    std::fprintf(stderr, "%s\n", pinned.ToString().c_str());
    return 1;
  }
  std::vector<Row> rows;
  bool measured = MeasureSpawn(settings, &rows);
  if (settings.far_cpu >= 0 && settings.far_cpu != settings.near_cpu) {
    measured = MeasureHandOver(settings, &rows) && measured;
  } else {
    std::fputs("one CPU only: the hand-over between two is not measured\n", stderr);
  }
  for (const Row& row : rows) Print(row);
  return measured ? 0 : 1;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) { return weft::bench::Run(argc, argv); }
