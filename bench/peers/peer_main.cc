#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "bench/peers/peer_load.h"

// Loads a peer that runs already, with a client here and a worker in a process of its own, and
// prints one JSON object.
namespace weft {

double NowS() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Fail(const std::string& what) {
  std::cerr << "weft_peer_load: " << what << std::endl;
  _exit(EXIT_FAILURE);
}

namespace {

struct Peer {
  PeerCount (*client)(const PeerOptions& options);
  void (*worker)(const PeerOptions& options);
};

const std::map<std::string, Peer>& Peers() {
  static const auto* const kPeers =
      new std::map<std::string, Peer>{{"nats", {&RunNatsClient, &RunNatsWorker}},
                                      {"redis", {&RunRedisClient, &RunRedisWorker}},
                                      {"gearman", {&RunGearmanClient, &RunGearmanWorker}}};
  return *kPeers;
}

// The worker has had so long to reach the server.
constexpr useconds_t kWorkerStartUs = 300'000;

int Run(const std::string& name, const PeerOptions& options) {
  const Peer& peer = Peers().at(name);
  const pid_t worker = fork();
  if (worker < 0) Fail("no second process");
  if (worker == 0) {
    // It ends with whoever started it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    peer.worker(options);
  }
  usleep(kWorkerStartUs);
  const PeerCount count = peer.client(options);
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  std::cout << "{\"tasks\": " << count.tasks
            << ", \"tasks_per_second\": " << static_cast<double>(count.tasks) / count.seconds << "}"
            << std::endl;
  _exit(EXIT_SUCCESS);
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  CLI::App app("Keeps tasks without work under way through NATS, Redis or Gearman");
  std::string name;
  weft::PeerOptions options;
  app.add_option("peer", name, "nats, redis or gearman")
      ->required()
      ->check(CLI::IsMember({"nats", "redis", "gearman"}));
  app.add_option("--port", options.port, "Of its server on 127.0.0.1")->required();
  app.add_option("--outstanding", options.outstanding, "Tasks under way");
  app.add_option("--duration", options.duration_s, "Seconds");
  CLI11_PARSE(app, argc, argv);
  return weft::Run(name, options);
}
