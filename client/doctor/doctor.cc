#include "client/doctor/doctor.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "absl/strings/match.h"
#include "client/doctor/address.h"
#include "client/doctor/clock_source.h"
#include "client/doctor/control_group.h"
#include "client/doctor/grants.h"
#include "client/doctor/kernel.h"
#include "client/doctor/limits.h"
#include "client/doctor/processors.h"
#include "client/doctor/wake.h"

namespace weft::doctor {
namespace {

using Clock = std::chrono::steady_clock;

// The kernel counts CPU time in steps of 10 ms on each CPU.
constexpr std::chrono::milliseconds kStealWindow(300);

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void ExamineSpeed(const MachineRoot& root, const std::vector<int>& cpus,
                  std::vector<Check>* checks) {
  const auto before = ReadCpuTimes(root);
  const Clock::time_point began = Clock::now();
  const WakeReading wake = MeasureWake(cpus);
  checks->push_back(JudgeGovernors(ReadGovernors(root, cpus)));
  checks->push_back(JudgeSiblings(ReadSiblings(root, cpus)));
  checks->push_back(JudgeHugePages(ReadHugePages(root)));
  checks->push_back(JudgeClock(ReadClock(root)));
  checks->push_back(JudgeWake(wake));
  checks->push_back(JudgeHandOver(wake));
  std::this_thread::sleep_until(began + kStealWindow);
  checks->push_back(JudgeSteal(before, ReadCpuTimes(root)));
}

// At the same time, because each may wait for an answer that never comes.
void ExamineAddresses(const MachineRoot& root, const DoctorOptions& options,
                      std::vector<Check>* checks) {
  const std::string path = DefaultSocket(root, Environment("RUNTIME_DIRECTORY"),
                                         Environment("XDG_RUNTIME_DIR"), geteuid() == 0);
  const std::string socket = path.empty() ? "" : "unix:" + path;
  const bool has_socket = !socket.empty() && socket != options.target;
  AddressReading rpc;
  AddressReading local;
  AddressReading web;
  std::thread ask_rpc([&] { rpc = ReadRpcAddress(root, options.target); });
  std::thread ask_local([&] {
    if (has_socket) local = ReadRpcAddress(root, socket);
  });
  web = ReadWebAddress(root, options.web);
  ask_rpc.join();
  ask_local.join();
  const bool is_file = absl::StartsWith(options.target, "unix:");
  checks->push_back(JudgeAddress(
      rpc, {is_file ? "target socket" : "gRPC address", is_file ? "rpc.unix_socket" : "rpc.listen",
            options.is_target_asked_for, options.version}));
  if (has_socket) {
    checks->push_back(
        JudgeAddress(local, {"unix socket", "rpc.unix_socket", false, options.version}));
  }
  checks->push_back(
      JudgeAddress(web, {"web address", "web.listen", options.is_web_asked_for, options.version}));
}

}  // namespace

std::vector<Check> Examine(const MachineRoot& root, const DoctorOptions& options) {
  const CpuReading cpus = ReadCpus(root);
  const ControlGroupReading group = ReadControlGroup(root);
  std::vector<Check> checks;
  checks.push_back(JudgeKernel(ReadKernel(root)));
  checks.push_back(JudgeRing(ReadRing(root)));
  checks.push_back(JudgeCpus(cpus, group.cpuset));
  checks.push_back(JudgeCpuQuota(group, cpus.allowed.size()));
  checks.push_back(JudgeMemoryLimit(group));
  checks.push_back(JudgeLockedMemory(ReadLockedMemory(root)));
  checks.push_back(JudgeOpenFiles(ReadOpenFiles(root)));
  const GrantReading grants = ReadGrants(root);
  checks.push_back(JudgeRealtime(grants));
  checks.push_back(JudgeMemoryLock(grants));
  ExamineSpeed(root, cpus.allowed, &checks);
  ExamineAddresses(root, options, &checks);
  return checks;
}

}  // namespace weft::doctor
