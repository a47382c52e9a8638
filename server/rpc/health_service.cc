#include "rpc/health_service.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/support/async_stream.h"
#include "rpc/plain_method.h"
#include "rpc/posted_stream.h"

namespace weft {
namespace {

namespace health = grpc::health::v1;
using Response = health::HealthCheckResponse;
using HealthGrpc = health::Health::WithAsyncMethod_Check<
    health::Health::WithAsyncMethod_Watch<health::Health::Service>>;

// What the calls look at.
struct HealthState {
  bool Knows(const std::string& service) const {
    return service.empty() || std::ranges::find(services, service) != services.end();
  }
  Response::ServingStatus StatusOf(const std::string& service) const {
    if (!Knows(service)) return Response::SERVICE_UNKNOWN;
    return serving ? Response::SERVING : Response::NOT_SERVING;
  }

  std::vector<std::string> services;
  bool serving = true;
  bool ending = false;
};

class WatchCall final : public PostedStream<grpc::ServerAsyncWriter<Response>> {
 public:
  // on_opened: called when a client has opened it.
  WatchCall(CompletionSource& source, HealthGrpc& service, const HealthState& state,
            std::function<void()> on_opened)
      : PostedStream(source), service_(service), state_(state), on_opened_(std::move(on_opened)) {}

  // Tells what has changed, once the client has taken what it was told before.
  void Update() {
    if (!idle()) return;
    const Response::ServingStatus status = state_.StatusOf(request_.service());
    if (status == told_ && !state_.ending) return;
    if (status == told_) {
      return Finish({grpc::StatusCode::UNAVAILABLE, "the daemon is shutting down"});
    }
    told_ = status;
    response_.set_status(status);
    stream().Write(response_, Begin());
  }

 private:
  void Ask(grpc::ServerContext& context, grpc::ServerAsyncWriter<Response>& stream,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    service_.RequestWatch(&context, &request_, &stream, &queue, &queue, tag);
  }
  void OnOpened() override {
    told_ = Response::UNKNOWN;  // Never a true status here, so the first Update tells.
    Update();
    on_opened_();
  }
  void OnOperation(bool ok) override {
    if (ok) Update();
  }

  HealthGrpc& service_;
  const HealthState& state_;
  const std::function<void()> on_opened_;
  health::HealthCheckRequest request_;
  Response response_;
  Response::ServingStatus told_ = Response::UNKNOWN;
};

}  // namespace

struct HealthService::Parts {
  Parts(CompletionSource& source_in, std::vector<std::string> services, size_t max_watches_in,
        size_t max_calls_in)
      : source(source_in),
        max_watches(max_watches_in),
        max_calls(max_calls_in),
        state{std::move(services)} {}

  // One is always posted, until there are as many as may be: each takes 2.5 KB.
  void PostWatch() {
    if (watches.size() >= max_watches) return;
    if (!std::ranges::all_of(watches, &WatchCall::is_open)) return;
    watches.emplace_back(source, service, state, [this] { PostWatch(); }).Post();
  }

  grpc::Status Check(const health::HealthCheckRequest& request, Response& response) {
    if (!state.Knows(request.service())) {
      return {grpc::StatusCode::NOT_FOUND,
              "there is no service \"" + request.service() + "\" here"};
    }
    response.set_status(state.StatusOf(request.service()));
    return grpc::Status::OK;
  }

  CompletionSource& source;
  const size_t max_watches;
  const size_t max_calls;
  HealthState state;
  HealthGrpc service;
  PlainMethod<HealthGrpc, health::HealthCheckRequest, Response> check{
      service, &HealthGrpc::RequestCheck,
      [this](const auto& request, auto& response) { return Check(request, response); }};
  std::deque<WatchCall> watches;
};

HealthService::HealthService(CompletionSource& source, std::vector<std::string> services,
                             size_t max_watches, size_t max_calls)
    : parts_(std::make_unique<Parts>(source, std::move(services), max_watches, max_calls)) {}
HealthService::~HealthService() = default;

grpc::Service& HealthService::service() { return parts_->service; }

void HealthService::Start() {
  parts_->check.Start(parts_->source, parts_->max_calls);
  parts_->PostWatch();
}

void HealthService::SetNotServing() {
  parts_->state.serving = false;
  for (WatchCall& watch : parts_->watches) watch.Update();
}

void HealthService::EndWatches() {
  parts_->state.ending = true;
  for (WatchCall& watch : parts_->watches) watch.Update();
}

}  // namespace weft
