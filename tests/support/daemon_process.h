#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weft/client.h"

namespace weft {

// A folder of its own below the system's temporary one, mode 0700, removed with all it holds.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// How a process ended.
struct ProcessEnd {
  int exit_code = -1;  // -1: by a signal.
  int signal = 0;
};

// A real weftd on ports that the system chooses and a unix socket in a folder of its own. One
// thread at a time. Blocks where it says so, at most kPatienceMs.
class DaemonProcess {
 public:
  struct Options {
    // Each becomes --set, after those that choose the addresses, and so over them.
    std::vector<std::string> settings;
    std::vector<std::string> arguments;  // As they are.
    // CPUs the daemon is allowed; empty: those of the test.
    std::vector<int> cpus;
    std::vector<std::string> environment;  // "NAME=VALUE", beside that of the test.
    uint64_t open_files = 0;  // Soft and hard limit of its descriptors; 0: those of the test.
  };

  // Starts it; does not wait for it.
  explicit DaemonProcess(const Options& options);
  // Kills it if it still runs.
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  // Blocks until its log says ready; false when it ended first.
  bool WaitReady();
  // Blocks until a line of the log holds text; false when none came.
  bool WaitForLog(const std::string& text);
  // Blocks until the page of metrics holds text; false when it never did.
  bool WaitForMetric(const std::string& text) const;
  // Blocks until it holds so many descriptors; false when it never did.
  bool WaitForOpenFiles(size_t count) const;
  void Signal(int signal);
  // Blocks until it has ended. Kills it when it does not end by itself.
  ProcessEnd WaitForEnd();
  // Whether it runs. Never blocks.
  bool IsRunning();
  // SIGTERM, then WaitForEnd.
  ProcessEnd Terminate();

  // All that it has logged up to now.
  std::string Log() const;
  std::vector<std::string> LogLines() const;
  // key=value of the last line of the log.
  std::map<std::string, uint64_t> LastCounts() const;

  pid_t pid() const { return pid_; }
  // After WaitReady.
  std::string rpc_address() const;  // "127.0.0.1:PORT".
  std::string web_address() const;  // "127.0.0.1:PORT".
  std::string unix_target() const { return "unix:" + unix_socket().string(); }
  std::filesystem::path unix_socket() const { return folder_.path() / "weftd.sock"; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  // A client that tries nothing again by itself, over a connection of its own.
  // timeout_ns: of each call.
  std::unique_ptr<Client> Connect(int64_t timeout_ns = 30'000'000'000) const;

  static constexpr int kPatienceMs = 30'000;

 private:
  void Spawn(const Options& options);
  std::string AddressAfter(const std::string& mark) const;

  TempDir folder_;
  pid_t pid_ = -1;
  bool ended_ = false;
  ProcessEnd end_;
};

// The answer to a GET of an HTTP page; status 0 when there was none.
struct HttpAnswer {
  int status = 0;
  std::string body;
};
HttpAnswer HttpGet(const std::string& address, const std::string& path);

// A TCP connection to "127.0.0.1:PORT"; -1 when it is refused. The caller closes it.
int ConnectTcp(const std::string& address);

// CPUs this process may use.
std::vector<int> AllowedCpus();

}  // namespace weft
