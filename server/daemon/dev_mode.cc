#include "daemon/dev_mode.h"

#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "config/schema.h"
#include "config/toml_text.h"

namespace weft {
namespace {

constexpr char kUsualTarget[] = "127.0.0.1:7411";
constexpr char kFileRootKey[] = "handlers.file_root";

// The usual address when nobody listens there.
std::string FreeAddress(std::string_view key, const char* usual) {
  const bool is_free = CheckFree(key, *ParseListenAddress(usual)).ok();
  return is_free ? usual : "127.0.0.1:0";
}

}  // namespace

absl::StatusOr<DevMode> DevMode::Create(const Environment& environment) {
  const std::string parent = environment("TMPDIR");
  std::string folder = (parent.empty() ? "/tmp" : parent) + "/weft-dev-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::InternalError(absl::StrCat("no folder like ", folder,
                                            " can be made: ", std::strerror(errno),
                                            "; set TMPDIR to a folder that can be written to"));
  }
  DevMode mode(std::move(folder));
  std::error_code error;
  std::filesystem::create_directory(mode.files(), error);
  std::ofstream(mode.files() + "/hello.txt") << "hello\n";
  return mode;
}

DevMode::~DevMode() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::vector<std::string> DevMode::Presets() const {
  const std::string socket = folder_ + "/weftd.sock";
  const bool is_short = socket.front() == '/' && socket.size() < sizeof(sockaddr_un::sun_path);
  std::vector<std::string> presets = {
      absl::StrCat("rpc.listen=[\"", FreeAddress("rpc.listen", kUsualTarget), "\"]"),
      absl::StrCat("web.listen=", FreeAddress("web.listen", "127.0.0.1:7412")),
      absl::StrCat("rpc.unix_socket=", QuoteToml(is_short ? socket : "")),
      "log.level=warn",
  };
  if (FindConfigRow(kFileRootKey) != nullptr) {
    presets.push_back(absl::StrCat(kFileRootKey, "=", QuoteToml(files())));
  }
  return presets;
}

std::string ToText(const DevScreen& screen) {
  std::string out = absl::StrCat("weftd ", screen.version, " is ready. Its files are in ",
                                 screen.folder, " and go when it ends.\n\n");
  for (const std::string& address : screen.rpc_addresses) {
    absl::StrAppend(&out, "  gRPC     ", address, "\n");
  }
  if (!screen.web_address.empty()) {
    absl::StrAppend(&out, "  metrics  ", screen.web_address, "/metrics\n");
  }
  const bool is_usual = !screen.rpc_addresses.empty() && screen.rpc_addresses[0] == kUsualTarget;
  const std::string target =
      is_usual || screen.rpc_addresses.empty() ? "" : " --target " + screen.rpc_addresses[0];
  absl::StrAppend(&out, "\nTry it from another terminal:\n\n");
  absl::StrAppend(&out, "  ", screen.client, " run echo hello", target, "\n");
  absl::StrAppend(&out, "  ", screen.client,
                  screen.has_file_hash ? " run file.hash hello.txt" : " handlers", target, "\n");
  absl::StrAppend(&out, "  ", screen.client, " bench --handler noop --outstanding 64 --duration 5s",
                  target, "\n\nCtrl-C ends it.\n");
  return out;
}

std::string ClientCommand(const std::string& weftd_path, std::string_view search_path) {
  const std::string folder = weftd_path.substr(0, weftd_path.rfind('/'));
  const std::string beside = folder + "/weft";
  const std::string searched = absl::StrCat(":", std::string(search_path), ":");
  std::error_code ignored;
  const bool is_found = searched.find(":" + folder + ":") != std::string::npos;
  return !is_found && std::filesystem::exists(beside, ignored) ? beside : "weft";
}

}  // namespace weft
