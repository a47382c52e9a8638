#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/listen_guard.h"

namespace weft {

// `weftd dev`: a daemon to try out that needs no configuration and leaves nothing behind. Holds a
// folder of its own below the temporary one, removed at the end. Main thread only.
class DevMode {
 public:
  // Makes the folder in $TMPDIR or /tmp, mode 0700, and a file to play with in it. Internal when it
  // cannot be made.
  static absl::StatusOr<DevMode> Create(const Environment& environment);
  ~DevMode();
  DevMode(DevMode&& other) noexcept : folder_(std::move(other.folder_)) { other.folder_.clear(); }
  DevMode& operator=(DevMode&&) = delete;

  // What it changes of the defaults, for ConfigSources::presets: the usual ports where they are
  // free, others where not; everything else in the folder; only warnings in the log.
  std::vector<std::string> Presets() const;

  const std::string& folder() const { return folder_; }
  std::string files() const { return folder_ + "/files"; }

 private:
  explicit DevMode(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;  // Empty once moved from.
};

// What `weftd dev` shows when it is ready.
struct DevScreen {
  std::string version;
  std::string folder;
  std::vector<std::string> rpc_addresses;  // "127.0.0.1:7411", "unix:/tmp/x/weftd.sock"
  std::string web_address;                 // "http://127.0.0.1:7412"; empty: none.
  std::string client;                      // How to call `weft`.
  bool has_file_hash = false;
};
std::string ToText(const DevScreen& screen);

// `weft` as it can be pasted: its path when it stands beside weftd in a folder that is not in
// search_path, which is as $PATH.
std::string ClientCommand(const std::string& weftd_path, std::string_view search_path);

}  // namespace weft
