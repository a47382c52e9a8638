// Proves the choice of cores on synthetic CPU sets; only AllowedCpus and CpuPlaces look at this
// machine.
#include "sys/topology.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> Choose(const CoreRequest& request, const std::vector<int>& allowed) {
  auto cores = ChooseCores(request, allowed);
  EXPECT_TRUE(cores.ok()) << cores.status();
  return cores.ok() ? *cores : std::vector<int>{};
}

std::string Refusal(const CoreRequest& request, const std::vector<int>& allowed) {
  auto cores = ChooseCores(request, allowed);
  EXPECT_EQ(cores.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(cores.status().message());
}

TEST(Topology, AutoLeavesTheLowestCpuToTheDoor) {
  EXPECT_THAT(Choose({}, {0, 1, 2, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(Choose({}, {5, 9}), ElementsAre(9));
}

TEST(Topology, AutoSharesASingleCpu) { EXPECT_THAT(Choose({}, {7}), ElementsAre(7)); }

TEST(Topology, WorkerThreadsLimitsAutoAndList) {
  EXPECT_THAT(Choose({.worker_threads = 2}, {0, 1, 2, 3}), ElementsAre(1, 2));
  EXPECT_THAT(Choose({.cores = {{3, 1}}, .worker_threads = 1}, {0, 1, 2, 3}), ElementsAre(3));
}

TEST(Topology, ListKeepsItsOrderAndMayTakeEveryAllowedCpu) {
  EXPECT_THAT(Choose({.cores = {{3, 0, 1}}}, {0, 1, 3}), ElementsAre(3, 0, 1));
}

TEST(Topology, RefusesACoreThatIsNotAllowedByName) {
  const std::string message = Refusal({.cores = {{1, 4}}}, {0, 1, 2, 6});
  EXPECT_THAT(message, HasSubstr("executor.cores"));
  EXPECT_THAT(message, HasSubstr("core 4"));
  EXPECT_THAT(message, HasSubstr("0-2,6"));
}

TEST(Topology, RefusesNegativeCores) {
  EXPECT_THAT(Refusal({.cores = {{-1}}}, {0, 1}), HasSubstr("core -1"));
}

TEST(Topology, RefusesACoreNamedTwice) {
  EXPECT_THAT(Refusal({.cores = {{1, 0, 1}}}, {0, 1}), HasSubstr("core 1 twice"));
}

TEST(Topology, RefusesAnEmptyList) {
  EXPECT_THAT(Refusal({.cores = std::vector<int>{}}, {0, 1}), HasSubstr("empty"));
}

TEST(Topology, RefusesMoreWorkerThreadsThanCores) {
  EXPECT_THAT(Refusal({.cores = {{0, 1}}, .worker_threads = 3}, {0, 1, 2, 3}),
              HasSubstr("worker_threads = 3"));
  EXPECT_THAT(Refusal({.worker_threads = 2}, {0, 1}), HasSubstr("use at most 1"));
  EXPECT_THAT(Refusal({.worker_threads = -1}, {0, 1}), HasSubstr("worker_threads = -1"));
}

TEST(Topology, RefusesAnEmptyAllowedSet) { EXPECT_THAT(Refusal({}, {}), HasSubstr("no CPU")); }

TEST(Topology, FrontIsWhatTheCoresLeave) {
  EXPECT_THAT(FrontCpus(std::vector<int>{0, 1, 2, 3}, {1, 2}), ElementsAre(0, 3));
  EXPECT_THAT(FrontCpus(std::vector<int>{4}, {4}), ElementsAre(4));
}

TEST(Topology, FormatsRuns) {
  EXPECT_EQ(FormatCpus(std::vector<int>{0, 1, 2, 6, 8, 9}), "0-2,6,8-9");
  EXPECT_EQ(FormatCpus({}), "");
}

TEST(Topology, AllowedCpusIsTheKernelsMask) {
  auto allowed = AllowedCpus();
  ASSERT_TRUE(allowed.ok()) << allowed.status();
  cpu_set_t set;
  CPU_ZERO(&set);
  ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(static_cast<int>(allowed->size()), CPU_COUNT(&set));
  for (const int cpu : *allowed) EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(cpu), &set)) << cpu;
}

TEST(Topology, APackageIsTheOneTheKernelTells) {
  auto allowed = AllowedCpus();
  ASSERT_TRUE(allowed.ok()) << allowed.status();
  const std::vector<CpuPlace> places = CpuPlaces(*allowed);
  ASSERT_EQ(places.size(), allowed->size());
  for (size_t i = 0; i < places.size(); ++i) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string((*allowed)[i]) +
                       "/topology/physical_package_id");
    int package = 0;
    // Minus one where the kernel does not know either.
    if (!(file >> package)) continue;
    EXPECT_EQ(static_cast<int>(places[i].package), std::max(package, 0));
  }
}

TEST(Topology, ACpuThatIsNotThereIsAtNode0OfPackage0) {
  const std::vector<CpuPlace> places = CpuPlaces(std::vector<int>{4'095});
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].numa_node, 0U);
  EXPECT_EQ(places[0].package, 0U);
}

}  // namespace
}  // namespace weft::sys
