#include <nats/nats.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "bench/peers/peer_load.h"

// Request and reply: each request names an inbox of its own below one that the client listens to.
namespace weft {
namespace {

constexpr char kTasks[] = "weft.bench.tasks";

void Check(natsStatus status) {
  if (status != NATS_OK) Fail(std::string("nats: ") + natsStatus_GetText(status));
}

natsConnection* Connect(const PeerOptions& options) {
  natsConnection* connection = nullptr;
  const std::string url = "nats://" + options.host + ":" + std::to_string(options.port);
  Check(natsConnection_ConnectTo(&connection, url.c_str()));
  return connection;
}

struct Answers {
  std::mutex mutex;
  std::condition_variable came;
  uint64_t count = 0;
};

}  // namespace

PeerCount RunNatsClient(const PeerOptions& options) {
  natsConnection* const connection = Connect(options);
  Answers answers;
  natsSubscription* subscription = nullptr;
  Check(natsConnection_Subscribe(
      &subscription, connection, "weft.bench.answers.*",
      [](natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
        auto& all = *static_cast<Answers*>(closure);
        const bool is_answer = !natsMsg_IsNoResponders(message);
        natsMsg_Destroy(message);
        if (!is_answer) Fail("nats: the worker is not there");
        const std::lock_guard lock(all.mutex);
        ++all.count;
        all.came.notify_one();
      },
      &answers));
  Check(natsConnection_Flush(connection));
  const double begin = NowS();
  uint64_t sent = 0;
  uint64_t answered = 0;
  while (NowS() - begin < options.duration_s) {
    for (; sent - answered < options.outstanding; ++sent) {
      const std::string reply = "weft.bench.answers." + std::to_string(sent);
      Check(natsConnection_PublishRequest(connection, kTasks, reply.c_str(), "", 0));
    }
    std::unique_lock lock(answers.mutex);
    answers.came.wait(lock, [&] { return answers.count > answered; });
    answered = answers.count;
  }
  return {.tasks = answered, .seconds = NowS() - begin};
}

void RunNatsWorker(const PeerOptions& options) {
  natsConnection* const connection = Connect(options);
  natsSubscription* subscription = nullptr;
  Check(natsConnection_Subscribe(
      &subscription, connection, kTasks,
      [](natsConnection* from, natsSubscription*, natsMsg* message, void*) {
        (void)natsConnection_Publish(from, natsMsg_GetReply(message), "", 0);
        natsMsg_Destroy(message);
      },
      nullptr));
  while (pause() != 0) continue;
  _exit(0);
}

}  // namespace weft
