#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "bench/load/bare_calls.h"

// The peer that weftd's RPC benches are held against: an asynchronous gRPC server with one
// completion queue and one thread that answers weft.v1's own messages and does no work.
namespace weft {
namespace {

// As many as the rows have outstanding, and some; 256 cost the bare server 5 %.
constexpr size_t kUnarySlots = 96;
constexpr size_t kStreamSlots = 16;
constexpr int kMaxMessageBytes = 64 * 1024 * 1024;

struct Options {
  int port = 0;
  std::string unix_socket;
};

void Serve(grpc::ServerCompletionQueue* queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) {
    const auto* event = static_cast<const BareTag*>(tag);
    event->call->OnEvent(event->event, ok);
  }
}

int Run(const Options& options) {
  // Blocked in every thread, so that only sigwait takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  BareService service;
  grpc::ServerBuilder builder;
  int bound_port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(options.port),
                           grpc::InsecureServerCredentials(), &bound_port);
  if (!options.unix_socket.empty()) {
    builder.AddListeningPort("unix:" + options.unix_socket, grpc::InsecureServerCredentials());
  }
  builder.RegisterService(&service);
  const auto queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  if (server == nullptr || bound_port == 0) {
    std::cerr << "weft_bare_server: cannot listen\n";
    return EXIT_FAILURE;
  }
  std::cout << "port " << bound_port << std::endl;

  // Posting to a queue that is shut down aborts, so the process ends without unwinding.
  std::thread([&signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    _exit(EXIT_SUCCESS);
  }).detach();
  BareCalls calls(&service, queue.get(), kUnarySlots, kStreamSlots);
  calls.Post();
  Serve(queue.get());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  // Debian builds abseil and gRPC with its checks; they cost 5 %.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app("Answers weft.v1 tasks at once without running anything");
  weft::Options options;
  app.add_option("--port", options.port, "TCP port on 127.0.0.1; 0 picks one and prints it");
  app.add_option("--unix-socket", options.unix_socket, "Listen on this path, too");
  CLI11_PARSE(app, argc, argv);
  return weft::Run(options);
}
