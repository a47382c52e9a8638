#include "config/cross_check.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "config/listen_address.h"
#include "config/loader.h"
#include "config/schema.h"
#include "config/toml_text.h"

namespace weft {
namespace {

// Collects the mistakes of one configuration.
class Checking {
 public:
  explicit Checking(const LoadedConfig& loaded) : loaded_(loaded) {}

  std::vector<std::string> All() {
    CheckBounds();
    CheckCpus();
    CheckAddresses();
    return std::move(mistakes_);
  }

 private:
  void CheckBounds();
  void CheckCpus();
  void CheckAddresses();
  void CheckAddress(std::string_view key, const std::string& text);
  void Add(std::string_view key, const std::string& what);

  const LoadedConfig& loaded_;
  std::set<std::string> addresses_;
  std::vector<std::string> mistakes_;
};

// Where the value comes from, the key, the value: `--set: rpc.listen: [] `.
void Checking::Add(std::string_view key, const std::string& what) {
  const ConfigRow* const row = FindConfigRow(key);
  const ConfigEntry& entry = loaded_.entries[static_cast<size_t>(row - ConfigRows().data())];
  mistakes_.push_back(absl::StrCat(entry.origin, ": ", std::string(key), ": ",
                                   ToShownToml(*row, entry.value), " is not right", what));
}

void Checking::CheckBounds() {
  const DispatchOptions& bounds = loaded_.config.dispatch;
  if (bounds.max_in_flight_bytes >= bounds.max_payload_bytes) return;
  Add("limits.max_in_flight_bytes",
      absl::StrCat(", expected at least limits.max_payload_bytes, ", bounds.max_payload_bytes));
}

void Checking::CheckCpus() {
  if (!loaded_.config.cores.cpus.has_value()) return;
  const std::vector<CpuName>& cpus = *loaded_.config.cores.cpus;
  for (auto name = cpus.begin(); name != cpus.end(); ++name) {
    if (std::find(cpus.begin(), name, *name) == name) continue;
    Add("executor.cores", absl::StrCat(" because ", name->is_single() ? "CPU " : "", name->Text(),
                                       " is named twice, expected each once"));
    break;
  }
  // How many CPUs a package or a node has is for the machine to say.
  const bool is_counted = std::ranges::all_of(cpus, &CpuName::is_single);
  if (is_counted && static_cast<size_t>(loaded_.config.cores.worker_threads) > cpus.size()) {
    Add("executor.worker_threads",
        absl::StrCat(", expected at most ", cpus.size(), ", as many as executor.cores names"));
  }
}

void Checking::CheckAddress(std::string_view key, const std::string& text) {
  const std::optional<ListenAddress> address = ParseListenAddress(text);
  if (!address.has_value()) return;
  if (!address->is_loopback && !loaded_.config.daemon.insecure) {
    Add(key,
        " because it is reachable from other machines, and nothing is encrypted or authenticated, "
        "expected a loopback address, or security.insecure = true to allow it all the same");
  }
  const bool is_new = addresses_.insert(FormatListenAddress(*address)).second;
  if (address->port != 0 && !is_new) {
    Add(key, absl::StrCat(" because ", text, " is named twice, expected each address once"));
  }
}

void Checking::CheckAddresses() {
  const RpcOptions& rpc = loaded_.config.rpc;
  for (const std::string& address : rpc.listen) CheckAddress("rpc.listen", address);
  CheckAddress("web.listen", loaded_.config.web.listen);
  if (rpc.listen.empty() && rpc.unix_socket.empty()) {
    Add("rpc.listen",
        " while rpc.unix_socket is \"\", as nobody could reach the daemon, expected an address in "
        "one of them");
  }
}

}  // namespace

std::vector<std::string> CrossCheck(const LoadedConfig& loaded) { return Checking(loaded).All(); }

}  // namespace weft
