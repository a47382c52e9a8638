#pragma once

#include <optional>

#include "grpcpp/server_context.h"
#include "rpc/completion_source.h"
#include "rpc/queue_event.h"

namespace weft {

// The life of one rare streaming call, used again and again: asked for, opened, ended, asked for
// again. At most one operation of it is under way at a time. Stream is its responder. Door thread
// only.
template <class Stream>
class PostedStream {
 public:
  virtual ~PostedStream() = default;
  PostedStream(const PostedStream&) = delete;
  PostedStream& operator=(const PostedStream&) = delete;

  void Post() {
    opened_ = busy_ = finishing_ = done_ = false;
    if (!source_.asking()) return;
    stream_.reset();
    context_.emplace();
    stream_.emplace(&*context_);
    context_->AsyncNotifyWhenDone(static_cast<QueueEvent*>(&done_event_));
    Ask(*context_, *stream_, source_.queue(), static_cast<QueueEvent*>(&opened_event_));
  }

  bool is_open() const { return opened_; }

 protected:
  explicit PostedStream(CompletionSource& source) : source_(source) {}

  virtual void Ask(grpc::ServerContext& context, Stream& stream, grpc::ServerCompletionQueue& queue,
                   void* tag) = 0;
  virtual void OnOpened() = 0;
  // The operation begun with Begin is through; ok as gRPC tells it.
  virtual void OnOperation(bool ok) = 0;

  // The client is gone, or has its status; nothing more can be started. May come before the
  // operation under way is through.
  virtual void OnDone() {}

  // The tag of an operation that is started now.
  void* Begin() {
    busy_ = true;
    return static_cast<QueueEvent*>(&operation_event_);
  }
  // No operation is under way.
  void Finish(const grpc::Status& status) {
    finishing_ = true;
    stream_->Finish(status, Begin());
  }
  // Breaks the call; it was opened.
  void Cancel() { context_->TryCancel(); }
  // Whether an operation may be started.
  bool idle() const { return opened_ && !busy_ && !finishing_ && !done_ && source_.open(); }
  Stream& stream() { return *stream_; }

 private:
  void Opened(bool ok) {
    if (!ok) return;  // The server shuts down; the call never was.
    opened_ = true;
    OnOpened();
  }
  void Operation(bool ok) {
    busy_ = false;
    if (!finishing_ && !done_) OnOperation(ok);
    MaybeOver();
  }
  void Done(bool /*ok*/) {
    done_ = true;
    if (opened_) OnDone();
    MaybeOver();
  }
  void MaybeOver() {
    if (!done_ || busy_) return;
    Post();
  }

  CompletionSource& source_;
  std::optional<grpc::ServerContext> context_;
  std::optional<Stream> stream_;
  MemberEvent<PostedStream, &PostedStream::Opened> opened_event_{*this};
  MemberEvent<PostedStream, &PostedStream::Operation> operation_event_{*this};
  MemberEvent<PostedStream, &PostedStream::Done> done_event_{*this};
  bool opened_ = false;
  bool busy_ = false;
  bool finishing_ = false;
  bool done_ = false;
};

}  // namespace weft
