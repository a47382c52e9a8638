// Proves where CPUs sit and which of them get a core: on trees of files made from hwloc's synthetic
// machines, of two packages and of more than 64 CPUs, on trees with gaps and with nothing to read;
// on this machine hwloc must see what is read here.
#include "sys/topology.h"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// CPUs without a place, as on a machine that tells none.
std::vector<CpuPlace> Places(const std::vector<int>& cpus) {
  std::vector<CpuPlace> places;
  for (const int cpu : cpus) places.push_back({.cpu = cpu});
  return places;
}

std::vector<CpuName> Numbers(const std::vector<uint32_t>& cpus) {
  std::vector<CpuName> names;
  for (const uint32_t cpu : cpus) names.push_back({.number = cpu});
  return names;
}

CpuName Package(uint32_t number, std::optional<uint32_t> place = std::nullopt) {
  return {.kind = CpuName::Kind::kPackage, .number = number, .place = place};
}

CpuName Node(uint32_t number, std::optional<uint32_t> place = std::nullopt) {
  return {.kind = CpuName::Kind::kNumaNode, .number = number, .place = place};
}

std::vector<int> Choose(const CoreRequest& request, const std::vector<CpuPlace>& allowed) {
  auto cores = ChooseCores(request, allowed);
  EXPECT_TRUE(cores.ok()) << cores.status();
  return cores.ok() ? *cores : std::vector<int>{};
}

std::string Refusal(const CoreRequest& request, const std::vector<CpuPlace>& allowed) {
  auto cores = ChooseCores(request, allowed);
  EXPECT_EQ(cores.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(cores.status().message());
}

std::vector<int> NumbersFrom(int first, int count) {
  std::vector<int> numbers(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) numbers[static_cast<size_t>(i)] = first + i;
  return numbers;
}

// The files of a machine, as far as ReadTopology reads them.
class MachineTree {
 public:
  MachineTree() {
    std::string name = testing::TempDir() + "weft-topology-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~MachineTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  MachineTree(const MachineTree&) = delete;
  MachineTree& operator=(const MachineTree&) = delete;

  void Put(const std::string& path, const std::string& text) const {
    const std::filesystem::path full = root_ + "/sys/devices/system/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }
  void PutCpu(int cpu, int package, int core) const {
    const std::string folder = "cpu/cpu" + std::to_string(cpu) + "/topology/";
    Put(folder + "physical_package_id", std::to_string(package));
    Put(folder + "core_id", std::to_string(core));
  }
  Topology Read(const std::vector<int>& cpus) const { return ReadTopology(cpus, root_); }

 private:
  std::string root_;
};

// A machine as hwloc knows it: this one, or one that it makes up after a description.
class HwlocMachine {
 public:
  explicit HwlocMachine(const char* synthetic = nullptr) {
    EXPECT_EQ(hwloc_topology_init(&topology_), 0);
    if (synthetic != nullptr) {
      EXPECT_EQ(hwloc_topology_set_synthetic(topology_, synthetic), 0);
    }
    EXPECT_EQ(hwloc_topology_load(topology_), 0);
  }
  ~HwlocMachine() { hwloc_topology_destroy(topology_); }
  HwlocMachine(const HwlocMachine&) = delete;
  HwlocMachine& operator=(const HwlocMachine&) = delete;

  // Of all its CPUs, ascending.
  std::vector<CpuPlace> Places() const {
    std::map<int, CpuPlace> places;
    hwloc_obj_t unit = nullptr;
    while ((unit = hwloc_get_next_obj_by_type(topology_, HWLOC_OBJ_PU, unit)) != nullptr) {
      const int cpu = static_cast<int>(unit->os_index);
      places[cpu] = {.cpu = cpu,
                     .package = Above(unit, HWLOC_OBJ_PACKAGE),
                     .numa_node = static_cast<uint32_t>(hwloc_bitmap_first(unit->nodeset)),
                     .core = Above(unit, HWLOC_OBJ_CORE)};
    }
    std::vector<CpuPlace> all;
    for (const auto& [cpu, place] : places) all.push_back(place);
    return all;
  }
  uint32_t node_count() const {
    return static_cast<uint32_t>(hwloc_get_nbobjs_by_type(topology_, HWLOC_OBJ_NUMANODE));
  }
  void WriteTo(const MachineTree& tree) const {
    std::map<uint32_t, std::vector<int>> nodes;
    for (const CpuPlace& place : Places()) {
      tree.PutCpu(place.cpu, static_cast<int>(place.package), static_cast<int>(place.core));
      nodes[place.numa_node].push_back(place.cpu);
    }
    std::vector<int> online;
    for (const auto& [node, cpus] : nodes) {
      online.push_back(static_cast<int>(node));
      tree.Put("node/node" + std::to_string(node) + "/cpulist", FormatCpus(cpus));
    }
    tree.Put("node/online", FormatCpus(online));
  }

 private:
  uint32_t Above(hwloc_obj_t unit, hwloc_obj_type_t type) const {
    const hwloc_obj_t found = hwloc_get_ancestor_obj_by_type(topology_, type, unit);
    return found == nullptr || found->os_index == HWLOC_UNKNOWN_INDEX ? 0 : found->os_index;
  }

  hwloc_topology_t topology_ = nullptr;
};

// What is read of a machine that hwloc makes up.
Topology ReadSynthetic(const char* description, int cpus) {
  const HwlocMachine machine(description);
  const MachineTree tree;
  machine.WriteTo(tree);
  Topology topology = tree.Read(NumbersFrom(0, cpus));
  EXPECT_EQ(topology.cpus, machine.Places());
  EXPECT_EQ(topology.node_count, machine.node_count());
  EXPECT_EQ(topology.untold, "");
  return topology;
}

TEST(Topology, AutoLeavesTheLowestCpuToTheDoor) {
  EXPECT_THAT(Choose({}, Places({0, 1, 2, 3})), ElementsAre(1, 2, 3));
  EXPECT_THAT(Choose({}, Places({5, 9})), ElementsAre(9));
}

TEST(Topology, AutoSharesASingleCpu) { EXPECT_THAT(Choose({}, Places({7})), ElementsAre(7)); }

TEST(Topology, WorkerThreadsLimitsAutoAndList) {
  EXPECT_THAT(Choose({.worker_threads = 2}, Places({0, 1, 2, 3})), ElementsAre(1, 2));
  EXPECT_THAT(Choose({.cores = Numbers({3, 1}), .worker_threads = 1}, Places({0, 1, 2, 3})),
              ElementsAre(3));
}

TEST(Topology, ListKeepsItsOrderAndMayTakeEveryAllowedCpu) {
  EXPECT_THAT(Choose({.cores = Numbers({3, 0, 1})}, Places({0, 1, 3})), ElementsAre(3, 0, 1));
}

TEST(Topology, RefusesACoreThatIsNotAllowedByName) {
  const std::string message = Refusal({.cores = Numbers({1, 4})}, Places({0, 1, 2, 6}));
  EXPECT_THAT(message, HasSubstr("executor.cores"));
  EXPECT_THAT(message, HasSubstr("core 4"));
  EXPECT_THAT(message, HasSubstr("0-2,6"));
}

TEST(Topology, RefusesACoreNamedTwice) {
  EXPECT_THAT(Refusal({.cores = Numbers({1, 0, 1})}, Places({0, 1})), HasSubstr("core 1 twice"));
}

TEST(Topology, RefusesAnEmptyList) {
  EXPECT_THAT(Refusal({.cores = Numbers({})}, Places({0, 1})), HasSubstr("empty"));
}

TEST(Topology, RefusesMoreWorkerThreadsThanCores) {
  EXPECT_THAT(Refusal({.cores = Numbers({0, 1}), .worker_threads = 3}, Places({0, 1, 2, 3})),
              HasSubstr("worker_threads = 3"));
  EXPECT_THAT(Refusal({.worker_threads = 2}, Places({0, 1})), HasSubstr("use at most 1"));
  EXPECT_THAT(Refusal({.worker_threads = -1}, Places({0, 1})), HasSubstr("worker_threads = -1"));
}

TEST(Topology, HasNoMoreCoresThanThereMayBe) {
  const std::vector<CpuPlace> allowed = Places(NumbersFrom(0, 300));
  EXPECT_EQ(Choose({.most = 255}, allowed), NumbersFrom(1, 255));
  EXPECT_EQ(Choose({.cores = {{Package(0)}}, .worker_threads = 255, .most = 255}, allowed),
            NumbersFrom(0, 255));
  EXPECT_THAT(Refusal({.cores = {{Package(0)}}, .most = 255}, allowed),
              HasSubstr("names 300 CPUs, but there may be 255 cores"));
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

// ---- Where CPUs sit.

TEST(Topology, IsReadAsHwlocSeesThisMachine) {
  auto allowed = AllowedCpus();
  ASSERT_TRUE(allowed.ok()) << allowed.status();
  const HwlocMachine machine;
  std::map<int, CpuPlace> expected;
  for (const CpuPlace& place : machine.Places()) expected[place.cpu] = place;
  const Topology topology = ReadTopology(*allowed);
  ASSERT_EQ(topology.cpus.size(), allowed->size());
  EXPECT_EQ(topology.node_count, machine.node_count());
  if (!topology.untold.empty()) GTEST_SKIP() << "this machine does not tell " << topology.untold;
  for (const CpuPlace& place : topology.cpus) {
    EXPECT_EQ(place.package, expected[place.cpu].package) << place.cpu;
    EXPECT_EQ(place.numa_node, expected[place.cpu].numa_node) << place.cpu;
    EXPECT_EQ(place.core, expected[place.cpu].core) << place.cpu;
  }
}

TEST(Topology, TellsTwoPackagesWithANodeEach) {
  const Topology topology = ReadSynthetic("pack:2 [numa] core:2 pu:2", 8);
  EXPECT_EQ(topology.node_count, 2U);
  EXPECT_EQ(FormatPlaces(topology.cpus), "p0n0:0-3 p1n1:4-7");
  EXPECT_EQ(topology.cpus[6], (CpuPlace{.cpu = 6, .package = 1, .numa_node = 1, .core = 3}));
}

TEST(Topology, TellsTwoNodesInOnePackage) {
  const Topology topology = ReadSynthetic("pack:1 group:2 [numa] core:2 pu:1", 4);
  EXPECT_EQ(FormatPlaces(topology.cpus), "p0n0:0-1 p0n1:2-3");
}

TEST(Topology, TellsMoreCpusThanAWordHasBits) {
  const Topology topology = ReadSynthetic("pack:2 [numa] core:40 pu:2", 160);
  EXPECT_EQ(FormatPlaces(topology.cpus), "p0n0:0-79 p1n1:80-159");
  EXPECT_THAT(Choose({.cores = {{Node(1, 79), Package(1, 0), {.number = 65}}}}, topology.cpus),
              ElementsAre(159, 80, 65));
  EXPECT_EQ(Choose({.cores = {{Package(1)}}}, topology.cpus), NumbersFrom(80, 80));
}

TEST(Topology, KeepsTheKernelsNumbersWhereTheyHaveGaps) {
  const MachineTree tree;
  for (const int cpu : {3, 64, 70, 1'200}) tree.PutCpu(cpu, cpu < 70 ? 0 : 36, cpu % 7);
  tree.Put("node/online", "0,8");
  tree.Put("node/node0/cpulist", "3,64");
  tree.Put("node/node8/cpulist", "70-71,1200");
  const Topology topology = tree.Read({3, 64, 70, 1'200});
  EXPECT_EQ(topology.node_count, 2U);
  EXPECT_EQ(FormatPlaces(topology.cpus), "p0n0:3,64 p36n8:70,1200");
  EXPECT_THAT(Choose({.cores = {{Package(36, 1), Node(0)}}}, topology.cpus),
              ElementsAre(1'200, 3, 64));
}

TEST(Topology, IsOnePackageAndOneNodeWhereNothingIsTold) {
  const MachineTree tree;
  const Topology topology = tree.Read({0, 5});
  EXPECT_EQ(topology.cpus, Places({0, 5}));
  EXPECT_EQ(topology.node_count, 1U);
  EXPECT_THAT(topology.untold, HasSubstr("/cpu0/topology/physical_package_id"));
}

TEST(Topology, TakesWhatIsNotUnderstoodForUntold) {
  const MachineTree tree;
  tree.PutCpu(0, -1, -1);
  tree.Put("cpu/cpu1/topology/physical_package_id", "one");
  tree.Put("node/online", "0,x,1-,-3,9-7");
  tree.Put("node/node1/cpulist", "\1");
  const Topology topology = tree.Read({0, 1});
  EXPECT_EQ(topology.cpus, Places({0, 1}));
  EXPECT_THAT(topology.untold, HasSubstr("/cpu1/topology/physical_package_id"));
}

TEST(Topology, ALongListIsReadToItsEnd) {
  const MachineTree tree;
  std::string list = "0";
  for (int cpu = 2; cpu < 8'192; cpu += 2) list += "," + std::to_string(cpu);
  tree.Put("node/online", "0-1");
  tree.Put("node/node1/cpulist", list);
  const Topology topology = tree.Read({1, 8'190});
  EXPECT_EQ(topology.cpus[0].numa_node, 0U);
  EXPECT_EQ(topology.cpus[1].numa_node, 1U);
}

// ---- Names.

class NamedCores : public ::testing::Test {
 protected:
  // Two packages with two nodes each; CPU 1 is not allowed.
  const std::vector<CpuPlace> allowed_ = {
      {.cpu = 0},
      {.cpu = 2, .numa_node = 1},
      {.cpu = 3, .numa_node = 1},
      {.cpu = 4, .package = 1, .numa_node = 2},
      {.cpu = 5, .package = 1, .numa_node = 3},
  };
};

TEST_F(NamedCores, StandForTheAllowedCpusOfAPackageOrNode) {
  EXPECT_THAT(Choose({.cores = {{Package(1)}}}, allowed_), ElementsAre(4, 5));
  EXPECT_THAT(Choose({.cores = {{Package(0)}}}, allowed_), ElementsAre(0, 2, 3));
  EXPECT_THAT(Choose({.cores = {{Node(1)}}}, allowed_), ElementsAre(2, 3));
  EXPECT_THAT(Choose({.cores = {{Package(0, 1)}}}, allowed_), ElementsAre(2));
}

TEST_F(NamedCores, KeepTheOrderInWhichTheyAreNamed) {
  EXPECT_THAT(Choose({.cores = {{Node(3), {.number = 2}, Package(0, 0)}}}, allowed_),
              ElementsAre(5, 2, 0));
  EXPECT_THAT(Choose({.cores = {{Package(1)}}, .worker_threads = 1}, allowed_), ElementsAre(4));
}

TEST_F(NamedCores, AreRefusedWhereThereIsNoSuchPackageOrNode) {
  EXPECT_EQ(Refusal({.cores = {{Package(2)}}}, allowed_),
            "executor.cores names p2, but the CPUs this process may use, 0,2-5, are in 2 packages: "
            "0-1");
  EXPECT_EQ(Refusal({.cores = {{Node(4, 0)}}}, allowed_),
            "executor.cores names n4:0, but the CPUs this process may use, 0,2-5, are in 4 NUMA "
            "nodes: 0-3");
  EXPECT_THAT(Refusal({.cores = {{Node(1)}}}, Places({0, 1})), HasSubstr("in 1 NUMA node: 0"));
}

TEST_F(NamedCores, AreRefusedBeyondTheLastPlace) {
  EXPECT_EQ(Refusal({.cores = {{Package(0, 3)}}}, allowed_),
            "executor.cores names p0:3, but of p0 this process may use 3 CPUs, 0,2-3, whose places "
            "are p0:0 to p0:2");
  EXPECT_THAT(Refusal({.cores = {{Node(0, 4'095)}}}, allowed_), HasSubstr("may use 1 CPU, 0,"));
}

TEST_F(NamedCores, AreRefusedWhenTheyNameACpuTwice) {
  EXPECT_THAT(Refusal({.cores = {{Package(0), Node(1)}}}, allowed_), HasSubstr("core 2 twice"));
  EXPECT_THAT(Refusal({.cores = {{{.number = 4}, Package(1, 0)}}}, allowed_),
              HasSubstr("core 4 twice"));
}

TEST(CpuName, IsWrittenAsItIsRead) {
  EXPECT_EQ((CpuName{.number = 3}.Text()), "3");
  EXPECT_EQ(Package(1).Text(), "p1");
  EXPECT_EQ(Node(0, 12).Text(), "n0:12");
  EXPECT_FALSE(Package(1).is_single());
  EXPECT_TRUE(Node(1, 0).is_single());
}

}  // namespace
}  // namespace weft::sys
