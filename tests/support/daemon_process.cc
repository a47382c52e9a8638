#include "tests/support/daemon_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <thread>

namespace weft {
namespace {

constexpr std::chrono::milliseconds kPoll{2};

// Asks again and again; a process gives no other sign of what it does.
bool WaitUntil(const std::function<bool()>& done) {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(DaemonProcess::kPatienceMs);
  while (!done()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

// In the child, after fork: only calls that are safe there.
[[noreturn]] void Become(const std::vector<char*>& arguments, const std::vector<char*>& environment,
                         const char* log_path, const cpu_set_t* cpus, rlim_t open_files) {
  const int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0) _exit(127);
  if (cpus != nullptr && sched_setaffinity(0, sizeof(*cpus), cpus) != 0) _exit(127);
  const rlimit limit{open_files, open_files};
  if (open_files != 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(127);
  execve(arguments[0], arguments.data(), environment.data());
  _exit(127);
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "weft-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp: " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

DaemonProcess::DaemonProcess(const Options& options) { Spawn(options); }

DaemonProcess::~DaemonProcess() {
  if (!IsRunning()) return;
  Signal(SIGKILL);
  WaitForEnd();
}

void DaemonProcess::Spawn(const Options& options) {
  std::vector<std::string> words = {WEFTD_PATH};
  std::vector<std::string> settings = {"rpc.listen=[\"127.0.0.1:0\"]", "web.listen=\"127.0.0.1:0\"",
                                       "rpc.unix_socket=\"" + unix_socket().string() + "\""};
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<std::string> variables = options.environment;
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    environment.push_back(*inherited);
  }
  environment.push_back(nullptr);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (const int cpu : options.cpus) CPU_SET(static_cast<size_t>(cpu), &cpus);
  const std::string log_path = (folder() / "log").string();
  pid_ = fork();
  const cpu_set_t* const allowed = options.cpus.empty() ? nullptr : &cpus;
  if (pid_ == 0) Become(arguments, environment, log_path.c_str(), allowed, options.open_files);
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
}

bool DaemonProcess::WaitReady() {
  bool ready = false;
  WaitUntil([&] {
    const bool running = IsRunning();  // Before the log is read, so that no last line is missed.
    ready = Log().find(" ready in ") != std::string::npos;
    return ready || !running;
  });
  if (!ready) ADD_FAILURE() << "weftd did not become ready:\n" << Log();
  return ready;
}

bool DaemonProcess::WaitForLog(const std::string& text) {
  return WaitUntil([&] { return Log().find(text) != std::string::npos; });
}

bool DaemonProcess::WaitForMetric(const std::string& text) const {
  return WaitUntil(
      [&] { return HttpGet(web_address(), "/metrics").body.find(text) != std::string::npos; });
}

bool DaemonProcess::WaitForOpenFiles(size_t count) const {
  const std::filesystem::path files = "/proc/" + std::to_string(pid_) + "/fd";
  return WaitUntil([&] {
    const std::filesystem::directory_iterator open(files);
    return static_cast<size_t>(std::distance(begin(open), end(open))) >= count;
  });
}

void DaemonProcess::Signal(int signal) {
  // An ended child's id may belong to somebody else.
  if (IsRunning()) kill(pid_, signal);
}

bool DaemonProcess::IsRunning() {
  if (ended_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  ended_ = true;
  if (WIFEXITED(status)) end_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end_.signal = WTERMSIG(status);
  return false;
}

ProcessEnd DaemonProcess::WaitForEnd() {
  if (WaitUntil([this] { return !IsRunning(); })) return end_;
  ADD_FAILURE() << "weftd does not end:\n" << Log();
  Signal(SIGKILL);
  WaitUntil([this] { return !IsRunning(); });
  return end_;
}

ProcessEnd DaemonProcess::Terminate() {
  Signal(SIGTERM);
  return WaitForEnd();
}

std::string DaemonProcess::Log() const {
  std::ifstream file(folder() / "log");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> DaemonProcess::LogLines() const {
  std::istringstream text(Log());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::map<std::string, uint64_t> DaemonProcess::LastCounts() const {
  const std::vector<std::string> lines = LogLines();
  std::map<std::string, uint64_t> counts;
  if (lines.empty()) return counts;
  std::istringstream words(lines.back());
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    counts[word.substr(0, equals)] = std::strtoull(word.c_str() + equals + 1, nullptr, 10);
  }
  return counts;
}

std::string DaemonProcess::AddressAfter(const std::string& mark) const {
  const std::string log = Log();
  const size_t at = log.find(mark);
  if (at == std::string::npos) return "";
  const size_t begin = at + mark.size();
  return log.substr(begin, log.find_first_of(" \n", begin) - begin);
}

std::string DaemonProcess::rpc_address() const { return AddressAfter("listening rpc="); }
std::string DaemonProcess::web_address() const { return AddressAfter("listening web=http://"); }

std::unique_ptr<Client> DaemonProcess::Connect(int64_t timeout_ns) const {
  ClientOptions options;
  options.timeout_ns = timeout_ns;
  options.target = rpc_address();
  options.retry.max_attempts = 1;
  return *Client::Create(options);
}

int ConnectTcp(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return fd;
  close(fd);
  return -1;
}

HttpAnswer HttpGet(const std::string& address, const std::string& path) {
  const int fd = ConnectTcp(address);
  if (fd < 0) return {};
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: " + address + "\r\n\r\n";
  std::string text;
  if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
    char chunk[4096];
    for (ssize_t n = 0; (n = read(fd, chunk, sizeof(chunk))) > 0;) {
      text.append(chunk, static_cast<size_t>(n));
    }
  }
  close(fd);
  const size_t space = text.find(' ');
  const size_t body = text.find("\r\n\r\n");
  if (space == std::string::npos || body == std::string::npos) return {};
  return {.status = std::atoi(text.c_str() + space + 1), .body = text.substr(body + 4)};
}

std::vector<int> AllowedCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace weft
