#pragma once

#include <functional>
#include <memory>

#include "rpc/unary_call.h"

namespace weft {

// A unary method that is answered within the call of a function; for all that is rare. Owned by its
// service. Door thread only.
template <class Service, class Request, class Response>
class PlainMethod {
 public:
  using Writer = grpc::ServerAsyncResponseWriter<Response>;
  using AskMember = void (Service::*)(grpc::ServerContext*, Request*, Writer*,
                                      grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);
  // Fills the response, which still holds an earlier answer, or returns why not.
  using AnswerFunction = std::function<grpc::Status(const Request&, Response&)>;

  PlainMethod(Service& service, AskMember ask, AnswerFunction answer)
      : service_(service), ask_(ask), answer_(std::move(answer)) {}

  // posted: calls that are ready to be taken at once.
  void Start(CompletionSource& source, size_t max_calls, size_t posted = kPosted) {
    pool_.Start(source, posted, max_calls,
                [this, &source] { return std::make_unique<Call>(source, *this); });
  }

  size_t busy() const { return pool_.busy(); }

 private:
  static constexpr size_t kPosted = 4;

  class Call final : public UnaryCall<Request, Response> {
   public:
    Call(CompletionSource& source, PlainMethod& method)
        : UnaryCall<Request, Response>(source), method_(method) {}

   private:
    void Ask(grpc::ServerContext& context, Request& request, Writer& responder,
             grpc::ServerCompletionQueue& queue, void* tag) override {
      (method_.service_.*method_.ask_)(&context, &request, &responder, &queue, &queue, tag);
    }
    void OnRequest() override {
      const grpc::Status status = method_.answer_(this->request_, this->response_);
      if (status.ok()) return this->Answer();
      this->RefuseWith(status);
    }
    bool OnReceived() override { return method_.pool_.OnReceived(); }
    void OnOver() override { method_.pool_.OnOver(*this); }

    PlainMethod& method_;
  };

  Service& service_;
  const AskMember ask_;
  const AnswerFunction answer_;
  CallPool<Call> pool_;
};

}  // namespace weft
