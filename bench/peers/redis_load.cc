#include <hiredis/hiredis.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/peers/peer_load.h"

// Two lists: tasks and answers. Both sides push with one command what they have, and pop with one
// what is there, so that nothing but the server and the worker limits them.
namespace weft {
namespace {

constexpr char kTasks[] = "weft:tasks";
constexpr char kAnswers[] = "weft:answers";
// How many one pop takes at most.
constexpr char kMost[] = "1024";

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class Lists {
 public:
  explicit Lists(const PeerOptions& options)
      : context_(redisConnect(options.host.c_str(), options.port)) {
    if (context_ == nullptr || context_->err != 0) Fail("redis: no connection");
  }

  void Push(const char* list, size_t count) {
    std::vector<const char*> words = {"LPUSH", list};
    words.resize(2 + count, "x");
    Command(words);
  }
  // Blocks until there is one.
  size_t Pop(const char* list) {
    const Reply reply = Command({"BLMPOP", "0", "1", list, "RIGHT", "COUNT", kMost});
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) Fail("redis: no array");
    return reply->element[1]->elements;
  }
  void Clear() { Command({"DEL", kTasks, kAnswers}); }

 private:
  Reply Command(std::vector<const char*> words) {
    Reply reply(static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(words.size()), words.data(), nullptr)));
    if (reply == nullptr) Fail("redis: the connection broke");
    if (reply->type == REDIS_REPLY_ERROR) Fail(std::string("redis: ") + reply->str);
    return reply;
  }

  redisContext* const context_;
};

}  // namespace

PeerCount RunRedisClient(const PeerOptions& options) {
  Lists lists(options);
  const double begin = NowS();
  uint64_t answered = 0;
  size_t may_send = options.outstanding;
  while (NowS() - begin < options.duration_s) {
    lists.Push(kTasks, may_send);
    may_send = lists.Pop(kAnswers);
    answered += may_send;
  }
  return {.tasks = answered, .seconds = NowS() - begin};
}

void RunRedisWorker(const PeerOptions& options) {
  Lists lists(options);
  lists.Clear();
  bool goes_on = true;
  while (goes_on) lists.Push(kAnswers, lists.Pop(kTasks));
  _exit(0);
}

}  // namespace weft
