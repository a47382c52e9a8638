#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"
#include "weft/v1/admin_service.pb.h"

// Who answers where a weftd would. Any thread.
namespace weft::doctor {

// No probe of an address waits longer than that, all its steps together; only looking up the name
// of a host may add to it.
inline constexpr int64_t kAddressTimeMaxNs = 1'000'000'000;

enum class Peer {
  kNobody,       // Nothing listens, or there is no such socket file.
  kStale,        // A socket file that nothing listens on.
  kForbidden,    // The file's permissions keep this user out.
  kUnreachable,  // Neither accepted nor refused in time, or the name is unknown.
  kOther,        // Something listens that did not answer as weftd does.
  kWeftd,
};

struct AddressReading {
  std::string address;
  Peer peer = Peer::kNobody;
  // Who has the socket, such as "nginx (pid 812)"; empty when that is not to be seen.
  std::string owner;
  // What was answered instead, of kUnreachable and kOther.
  std::string answer;
  // Of kWeftd.
  bool is_serving = false;
  std::string version;
  std::optional<v1::GetStatsResponse> stats;
};

// The socket of the kind that weftd makes by default: of this environment or, where that has none,
// of the service. Empty when there is no place for one.
[[nodiscard]] std::string DefaultSocket(const MachineRoot& root, const std::string& runtime_folder,
                                        const std::string& session_folder, bool is_root);

// `target` as Client takes it: "host:port" or "unix:/path".
[[nodiscard]] AddressReading ReadRpcAddress(const MachineRoot& root, const std::string& target);
// "host:port" of the HTTP server.
[[nodiscard]] AddressReading ReadWebAddress(const MachineRoot& root, const std::string& address);

struct AddressQuestion {
  std::string name;
  // The configuration key that gives weftd another address.
  std::string key;
  // The user named this address, so that somebody should answer there.
  bool is_asked_for = false;
  // Of this program.
  std::string version;
};
[[nodiscard]] Check JudgeAddress(const AddressReading& reading, const AddressQuestion& question);

// "nginx (pid 812)" of who listens on the port or on the path; empty when that is not to be seen.
[[nodiscard]] std::string OwnerOfPort(const MachineRoot& root, int port);
[[nodiscard]] std::string OwnerOfPath(const MachineRoot& root, const std::string& path);

}  // namespace weft::doctor
