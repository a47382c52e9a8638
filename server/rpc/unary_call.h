#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "rpc/calls_full.h"
#include "rpc/completion_source.h"
#include "rpc/queue_event.h"
#include "task/refusal.h"
#include "wire/status_wire.h"

namespace weft {

// One call of a unary method, used again and again: asked for, received, answered, over. Its
// messages keep their memory; only the server context is new each time. Owned by its CallPool. Door
// thread only.
template <class Request, class Response>
class UnaryCall {
 public:
  virtual ~UnaryCall() = default;
  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

  // Asks gRPC for the next call of the method. source.asking() holds.
  void Post() {
    responder_.reset();
    context_.emplace();
    responder_.emplace(&*context_);
    context_->AsyncNotifyWhenDone(static_cast<QueueEvent*>(&done_event_));
    answered_ = finished_ = done_ = false;
    Ask(*context_, request_, *responder_, source_.queue(),
        static_cast<QueueEvent*>(&received_event_));
  }

 protected:
  explicit UnaryCall(CompletionSource& source) : source_(source) {}

  // Calls the service's RequestMethod with these.
  virtual void Ask(grpc::ServerContext& context, Request& request,
                   grpc::ServerAsyncResponseWriter<Response>& responder,
                   grpc::ServerCompletionQueue& queue, void* tag) = 0;
  // A call has come in; now or later exactly one of Answer and Refuse, unless OnGone comes first.
  virtual void OnRequest() = 0;
  // The client is gone before its answer; neither Answer nor Refuse may follow.
  virtual void OnGone() {}
  // Whether nobody outside holds on to the call; when that changes, MaybeOver is to be called.
  virtual bool reusable() const { return true; }
  // The pool's part. OnReceived: false when the call is one too many.
  virtual bool OnReceived() = 0;
  virtual void OnOver() = 0;

  void Answer() {
    if (!source_.open()) return;
    answered_ = true;
    responder_->Finish(response_, grpc::Status::OK, static_cast<QueueEvent*>(&finished_event_));
  }
  void Refuse(const Refusal& refusal) { RefuseWith(ToGrpcStatus(refusal)); }
  void RefuseWith(const grpc::Status& status) {
    if (!source_.open()) return;
    answered_ = true;
    responder_->FinishWithError(status, static_cast<QueueEvent*>(&finished_event_));
  }
  void MaybeOver() {
    if (!done_ || (answered_ && !finished_) || !reusable()) return;
    responder_.reset();
    context_.reset();
    done_ = false;
    Trim(&request_, &request_bytes_);
    Trim(&response_, &response_bytes_);
    OnOver();
  }

  const grpc::ServerContext& context() const { return *context_; }

  CompletionSource& source_;
  Request request_;
  Response response_;

 private:
  // A message's strings never shrink when reused, so it holds at most what it has carried in all.
  // Starting anew after so many bytes bounds that, and costs small messages next to nothing.
  static constexpr size_t kKeptBytesMax = 64 * 1024;
  // Of a call too many: about what it takes to answer a few thousand.
  static constexpr int64_t kRetryAfterNs = 50'000'000;

  template <class Message>
  static void Trim(Message* message, size_t* bytes_seen) {
    if constexpr (std::is_same_v<Message, grpc::ByteBuffer>) {
      message->Clear();
    } else {
      *bytes_seen += message->ByteSizeLong();
      if (*bytes_seen <= kKeptBytesMax) return;
      Message().Swap(message);
      *bytes_seen = 0;
    }
  }

  void Received(bool ok) {
    if (!ok) return;  // The server shuts down; the call never was.
    if (OnReceived()) {
      OnRequest();
      return;
    }
    Refuse(CallsFull("too many calls of this method are being answered", "limits.max_calls",
                     kRetryAfterNs));
  }
  void Finished(bool /*ok*/) {
    finished_ = true;
    MaybeOver();
  }
  void Done(bool /*ok*/) {
    done_ = true;
    if (!answered_) OnGone();
    MaybeOver();
  }

  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<Response>> responder_;
  MemberEvent<UnaryCall, &UnaryCall::Received> received_event_{*this};
  MemberEvent<UnaryCall, &UnaryCall::Finished> finished_event_{*this};
  MemberEvent<UnaryCall, &UnaryCall::Done> done_event_{*this};
  size_t request_bytes_ = 0;  // Carried since the message was new.
  size_t response_bytes_ = 0;
  bool answered_ = false;  // Finish was posted.
  bool finished_ = false;  // Finish came back.
  bool done_ = false;      // gRPC is through with the call, or the client is gone.
};

// All calls of one method. Keeps posted_target of them asked for while at most max_busy are being
// answered; beyond that a call is refused at once, and beyond max_busy + posted_target refusals
// that clients do not read it is not taken. Never gives memory back. Door thread only.
template <class Call>
class CallPool {
 public:
  template <class Make>
  void Start(CompletionSource& source, size_t posted_target, size_t max_busy, Make make) {
    source_ = &source;
    posted_target_ = posted_target;
    max_busy_ = max_busy;
    make_ = std::move(make);
    Refill();
  }

  // A posted call has come in. False when it is one too many.
  bool OnReceived() {
    --posted_;
    ++busy_;
    Refill();
    return busy_ <= max_busy_;
  }

  // A call is over and may be used again.
  void OnOver(Call& call) {
    --busy_;
    idle_.push_back(&call);
    Refill();
  }

  size_t busy() const { return busy_; }

 private:
  void Refill() {
    while (source_->asking() && posted_ < posted_target_ &&
           busy_ + posted_ < max_busy_ + posted_target_) {
      if (idle_.empty()) {
        calls_.push_back(make_());
        idle_.push_back(calls_.back().get());
      }
      Call* const call = idle_.back();
      idle_.pop_back();
      ++posted_;
      call->Post();
    }
  }

  CompletionSource* source_ = nullptr;
  std::function<std::unique_ptr<Call>()> make_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> idle_;  // LIFO: the one used last is the warmest.
  size_t posted_target_ = 0;
  size_t max_busy_ = 0;
  size_t posted_ = 0;
  size_t busy_ = 0;
};

}  // namespace weft
