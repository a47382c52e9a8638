#include "client/doctor/address.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/duration.h"
#include "client/doctor/connection.h"
#include "weft/client.h"

namespace weft::doctor {
namespace {

constexpr char kUnixPrefix[] = "unix:";
constexpr char kServiceSocket[] = "/run/weft/weftd.sock";

Peer PeerOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return Peer::kNobody;
    case absl::StatusCode::kFailedPrecondition:
      return Peer::kStale;
    case absl::StatusCode::kPermissionDenied:
      return Peer::kForbidden;
    default:
      return Peer::kUnreachable;
  }
}

std::string AnswerOf(const absl::Status& status) {
  if (absl::IsUnimplemented(status)) return "it speaks gRPC, but lacks weft's services";
  return status.message().empty() ? absl::StatusCodeToString(status.code())
                                  : std::string(status.message());
}

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// What is left for the next step, and never nothing.
CallOptions Until(int64_t until_ns) {
  constexpr int64_t kLeastNs = 1'000'000;
  return {.timeout_ns = std::max(until_ns - NowNs(), kLeastNs)};
}

// Health first, as any gRPC server may have it; the statistics tell a weftd from others.
void AskDaemon(const std::string& target, int64_t until_ns, AddressReading* reading) {
  ClientOptions options;
  options.target = target;
  options.retry.max_attempts = 1;
  auto client = Client::Create(options);
  if (!client.ok()) {
    reading->answer = AnswerOf(client.status());
    return;
  }
  const auto serving = (*client)->IsServing(Until(until_ns));
  if (!serving.ok()) {
    reading->answer = AnswerOf(serving.status());
    return;
  }
  auto stats = (*client)->GetStats(Until(until_ns));
  if (!stats.ok()) {
    reading->answer = AnswerOf(stats.status());
    return;
  }
  reading->peer = Peer::kWeftd;
  reading->is_serving = *serving;
  reading->version = stats->version();
  reading->stats = *std::move(stats);
}

// Processes whose descriptors this user may see; others stay unnamed.
std::string OwnerOfInode(const MachineRoot& root, const std::string& inode) {
  const std::string link = absl::StrCat("socket:[", inode, "]");
  for (const std::string& pid : root.List("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string folder = "/proc/" + pid;
    const std::vector<std::string> descriptors = root.List(folder + "/fd");
    const bool has_it =
        std::any_of(descriptors.begin(), descriptors.end(), [&](const std::string& descriptor) {
          return root.ReadLink(absl::StrCat(folder, "/fd/", descriptor)) == link;
        });
    if (has_it) return absl::StrCat(root.Read(folder + "/comm").value_or("?"), " (pid ", pid, ")");
  }
  return "";
}

// The first figure of a line with weft_build_info's version.
std::string VersionIn(const std::string& page) {
  const size_t at = page.find("\nweft_build_info{");
  if (at == std::string::npos) return "";
  const std::string line = page.substr(at + 1, page.find('\n', at + 1) - at - 1);
  const std::string key = "version=\"";
  const size_t begin = line.find(key);
  if (begin == std::string::npos) return "";
  return line.substr(begin + key.size(), line.find('"', begin + key.size()) - begin - key.size());
}

// What became of one judgement after another: the worst level, and all there is to do.
class Verdict {
 public:
  Verdict(std::string name, std::string found) : check_{std::move(name), Level::kOk, found, ""} {}

  void Add(Level level, const std::string& found, const std::string& fix) {
    check_.level = std::max(check_.level, level);
    absl::StrAppend(&check_.found, "; ", found);
    absl::StrAppend(&check_.fix, check_.fix.empty() ? "" : "; ", fix);
  }
  void Note(const std::string& found) { absl::StrAppend(&check_.found, "; ", found); }
  [[nodiscard]] Check Take() { return std::move(check_); }

 private:
  Check check_;
};

void JudgeStats(const v1::GetStatsResponse& stats, Verdict* verdict) {
  std::vector<uint32_t> cores;
  for (const v1::CoreStats& core : stats.cores()) cores.push_back(core.core());
  verdict->Note(absl::StrCat("cores ", absl::StrJoin(cores, ",")));
  if (!stats.io().backend().empty()) verdict->Note("I/O by " + stats.io().backend());
  if (!stats.io().fallback_reason().empty()) {
    verdict->Add(Level::kWarning, stats.io().fallback_reason(),
                 "give the daemon a ring: see io_uring above, as its unit or container grants it");
  }
  const std::string target = cli::FormatDuration(static_cast<int64_t>(stats.target_latency_ns()));
  if (stats.meeting_latency_target()) {
    verdict->Note(absl::StrCat("target ", target, " met"));
  } else {
    const auto average_ns = static_cast<int64_t>(stats.last_10s().avg_latency_ns());
    verdict->Add(Level::kWarning,
                 absl::StrCat("target ", target, " missed, average of the last 10 s ",
                              cli::FormatDuration(average_ns)),
                 "see which handler takes long (weft stats, weft_core_execution_seconds), or set "
                 "executor.target_latency_ns to what the handlers need");
  }
  if (stats.promise_violations() > 0) {
    verdict->Add(
        Level::kError, absl::StrCat(stats.promise_violations(), " broken promises"),
        "this is a defect of weft: keep the log and weft_promise_violations_total, restart "
        "weftd, and report it");
  }
}

Check JudgeDaemon(const AddressReading& reading, const AddressQuestion& question) {
  Verdict verdict(question.name, absl::StrCat(reading.address, " is weftd ", reading.version,
                                              reading.is_serving ? ", ready" : ""));
  if (!reading.is_serving) {
    verdict.Add(Level::kWarning, "not ready, it drains",
                "wait for it to end, then start it again; or use another daemon (--target)");
  }
  if (reading.version != question.version) {
    verdict.Add(Level::kWarning, absl::StrCat("this weft is ", question.version),
                "install the same version of both");
  }
  if (reading.stats) JudgeStats(*reading.stats, &verdict);
  return verdict.Take();
}

Check JudgeNobody(const AddressReading& reading, const AddressQuestion& question) {
  const bool is_stale = reading.peer == Peer::kStale;
  const std::string found = absl::StrCat(
      reading.address,
      is_stale ? " is left over from a daemon that is gone; weftd replaces it" : " is free");
  if (!question.is_asked_for) return {question.name, Level::kOk, found, ""};
  return {question.name, Level::kError, found + ": no daemon answers there",
          "start weftd, or name where it is with --target or WEFT_TARGET"};
}

Check JudgeOther(const AddressReading& reading, const AddressQuestion& question) {
  const std::string who = reading.owner.empty() ? "something" : reading.owner;
  const std::string found = absl::StrCat(reading.address, " is taken by ", who,
                                         " that does not answer as weftd: ", reading.answer);
  if (absl::StartsWith(reading.owner, "weftd ")) {
    return {
        question.name, Level::kError, found,
        "see in weftd's log (listening) whether this is the right port of it; if so it hangs or is "
        "overloaded: look at what it says, then restart it"};
  }
  return {question.name, Level::kError, found,
          absl::StrCat("stop that program, or give weftd another address (", question.key, ")")};
}

}  // namespace

std::string DefaultSocket(const MachineRoot& root, const std::string& runtime_folder,
                          const std::string& session_folder, bool is_root) {
  std::string path;
  // systemd separates several folders by colons.
  if (!runtime_folder.empty()) {
    path = runtime_folder.substr(0, runtime_folder.find(':')) + "/weftd.sock";
  } else if (!session_folder.empty()) {
    path = session_folder + "/weft/weftd.sock";
  } else if (is_root) {
    path = kServiceSocket;
  }
  if ((path.empty() || !root.Exists(path)) && root.Exists(kServiceSocket)) return kServiceSocket;
  return path;
}

AddressReading ReadRpcAddress(const MachineRoot& root, const std::string& target) {
  AddressReading reading;
  reading.address = target;
  const int64_t until_ns = NowNs() + kAddressTimeMaxNs;
  const absl::Status connected = TryConnect(target, kAddressTimeMaxNs);
  if (!connected.ok()) {
    reading.peer = PeerOf(connected);
    reading.answer = std::string(connected.message());
    return reading;
  }
  reading.peer = Peer::kOther;
  AskDaemon(target, until_ns, &reading);
  if (reading.peer == Peer::kWeftd) return reading;
  const bool is_file = absl::StartsWith(target, kUnixPrefix);
  reading.owner = is_file ? OwnerOfPath(root, target.substr(sizeof kUnixPrefix - 1))
                          : OwnerOfPort(root, PortOf(target));
  return reading;
}

AddressReading ReadWebAddress(const MachineRoot& root, const std::string& address) {
  AddressReading reading;
  reading.address = address;
  const absl::StatusOr<std::string> page = HttpGet(address, "/metrics", kAddressTimeMaxNs);
  if (!page.ok()) {
    reading.answer = std::string(page.status().message());
    reading.peer = absl::IsDeadlineExceeded(page.status()) ? Peer::kOther : PeerOf(page.status());
    if (reading.peer == Peer::kOther) reading.owner = OwnerOfPort(root, PortOf(address));
    return reading;
  }
  reading.version = VersionIn(*page);
  if (!reading.version.empty()) {
    reading.peer = Peer::kWeftd;
    reading.is_serving = true;
    return reading;
  }
  reading.peer = Peer::kOther;
  reading.owner = OwnerOfPort(root, PortOf(address));
  reading.answer = "its /metrics has no weft_build_info";
  return reading;
}

Check JudgeAddress(const AddressReading& reading, const AddressQuestion& question) {
  switch (reading.peer) {
    case Peer::kNobody:
    case Peer::kStale:
      return JudgeNobody(reading, question);
    case Peer::kForbidden:
      return {question.name, Level::kWarning,
              reading.address + " is there, and this user may not connect",
              "run weft as weftd's user or in its group, or use --target with its TCP address"};
    case Peer::kUnreachable:
      return {question.name, Level::kError,
              absl::StrCat(reading.address, " cannot be reached: ", reading.answer),
              "check the name, the address and what stands between (firewall, network namespace)"};
    case Peer::kOther:
      return JudgeOther(reading, question);
    case Peer::kWeftd:
      break;
  }
  return JudgeDaemon(reading, question);
}

std::string OwnerOfPort(const MachineRoot& root, int port) {
  // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
  constexpr size_t kLocal = 1;
  constexpr size_t kState = 3;
  constexpr size_t kInode = 9;
  const std::string suffix = absl::StrFormat(":%04X", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const std::string text = root.Read(table).value_or("");
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
      const bool is_listener = words.size() > kInode && words[kState] == "0A";
      if (!is_listener || !absl::EndsWith(words[kLocal], suffix)) continue;
      return OwnerOfInode(root, words[kInode]);
    }
  }
  return "";
}

std::string OwnerOfPath(const MachineRoot& root, const std::string& path) {
  // Num RefCount Protocol Flags Type St Inode Path
  constexpr size_t kInode = 6;
  const std::string text = root.Read("/proc/net/unix").value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
    if (words.size() > kInode + 1 && words[kInode + 1] == path) {
      return OwnerOfInode(root, words[kInode]);
    }
  }
  return "";
}

}  // namespace weft::doctor
