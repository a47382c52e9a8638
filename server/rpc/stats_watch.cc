#include "rpc/stats_watch.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/support/async_stream.h"
#include "rpc/calls_full.h"
#include "rpc/posted_stream.h"
#include "wire/status_wire.h"

namespace weft {
namespace {

using Writer = grpc::ServerAsyncWriter<v1::WatchStatsResponse>;

constexpr int64_t kShortestIntervalNs = 100'000'000;
constexpr int64_t kLongestIntervalNs = 60'000'000'000;
constexpr int64_t kDefaultIntervalNs = 1'000'000'000;
// Beyond max_watchers, so many are told at once that they are too many; more wait.
constexpr size_t kRefusedAtOnce = 4;

Refusal BadInterval(int64_t interval_ns) {
  return {.reason = RefusalReason::kInvalidField,
          .message = "interval_ns is " + std::to_string(interval_ns) + "; allowed are 0 (" +
                     std::to_string(kDefaultIntervalNs) + ") and " +
                     std::to_string(kShortestIntervalNs) + " to " +
                     std::to_string(kLongestIntervalNs),
          .field = "interval_ns"};
}

Refusal Ending() { return {.reason = RefusalReason::kDraining, .message = "the daemon is ending"}; }

Refusal TooMany(size_t max_watchers) {
  return CallsFull(std::to_string(max_watchers) + " calls watch the statistics already",
                   "limits.max_watchers", kLongCallRetryNs);
}

}  // namespace

// What the streams share.
struct StatsWatch::Parts {
  Parts(const RpcContext& context_in, v1::AdminService::AsyncService& service_in,
        const ProdSteering& steering_in, const StatsTeller& teller_in)
      : context(context_in), service(service_in), steering(steering_in), teller(teller_in) {}

  const sys::ClockAnchor& anchor() const { return context.dispatcher.core(0).env().anchor(); }

  const RpcContext& context;
  v1::AdminService::AsyncService& service;
  const ProdSteering& steering;
  const StatsTeller& teller;
  std::deque<Stream> streams;
  std::vector<HandlerTotals> totals;  // As of the Tick that is under way; empty: not read yet.
  v1::WatchStatsResponse response;    // Serialised when it is written.
  size_t open = 0;
  sys::Ticks due = sys::kTicksForever;  // Not later than any stream that could be told is.
  bool ending = false;
};

class StatsWatch::Stream final : public PostedStream<Writer> {
 public:
  explicit Stream(Parts& parts) : PostedStream(parts.context.source), parts_(parts) {}

  // Tells it if it is due and has taken what it was told before. Returns when it is due next.
  sys::Ticks TellIfDue(sys::Ticks now) {
    if (!is_watching_ || !idle()) return sys::kTicksForever;
    if (now < due_) return due_;
    if (parts_.totals.empty()) parts_.totals = parts_.steering.Handlers();
    WriteResponse(now);
    told_ = parts_.totals;
    told_at_ = now;
    due_ = due_ + interval_ > now ? due_ + interval_ : now + interval_;
    stream().Write(parts_.response, Begin());
    return sys::kTicksForever;
  }

  void End() {
    if (is_watching_ && idle()) Finish(ToGrpcStatus(Ending()));
  }

 private:
  void Ask(grpc::ServerContext& context, Writer& stream, grpc::ServerCompletionQueue& queue,
           void* tag) override {
    if (is_watching_) --parts_.open;
    is_watching_ = false;
    std::vector<HandlerTotals>().swap(told_);
    parts_.service.RequestWatchStats(&context, &request_, &stream, &queue, &queue, tag);
  }

  void OnOpened() override {
    const int64_t asked_ns = request_.interval_ns();
    const int64_t interval_ns = asked_ns == 0 ? kDefaultIntervalNs : asked_ns;
    if (interval_ns < kShortestIntervalNs || interval_ns > kLongestIntervalNs) {
      return Refuse(BadInterval(asked_ns));
    }
    const size_t max_watchers = parts_.context.options.max_watchers;
    if (parts_.open >= max_watchers) return Refuse(TooMany(max_watchers));
    ++parts_.open;
    is_watching_ = true;
    interval_ = parts_.anchor().NsToTicks(interval_ns);
    // The Tick that follows this round tells it.
    due_ = parts_.due = 0;
    if (parts_.ending) End();
  }

  void OnOperation(bool ok) override {
    if (!ok) return;
    if (parts_.ending) return End();
    parts_.due = std::min(parts_.due, due_);
  }

  void Refuse(Refusal refusal) {
    if (!idle()) return;
    Finish(ToGrpcStatus(parts_.context.dispatcher.Refuse(std::move(refusal))));
  }

  void WriteResponse(sys::Ticks now) {
    v1::WatchStatsResponse& response = parts_.response;
    response.Clear();
    parts_.teller.Write(parts_.totals, response.mutable_stats());
    if (told_.empty()) return;
    response.set_interval_ns(parts_.anchor().TicksToNs(now - told_at_));
    std::vector<HandlerTotals> since;
    HandlerTotals all;
    for (size_t i = 0; i < parts_.totals.size(); ++i) {
      since.push_back(parts_.totals[i].Since(told_[i]));
      all.Merge(since.back());
    }
    parts_.teller.WriteHandlers(since, response.mutable_handlers());
    StatsTeller::WriteTotals(all, response.mutable_all());
  }

  Parts& parts_;
  v1::WatchStatsRequest request_;
  std::vector<HandlerTotals> told_;  // Empty before the first message.
  sys::Ticks told_at_ = 0;
  sys::Ticks interval_ = 0;
  sys::Ticks due_ = 0;
  bool is_watching_ = false;
};

StatsWatch::StatsWatch(const RpcContext& context, v1::AdminService::AsyncService& service,
                       const ProdSteering& steering, const StatsTeller& teller)
    : parts_(std::make_unique<Parts>(context, service, steering, teller)) {
  const size_t streams = context.options.max_watchers + kRefusedAtOnce;
  for (size_t i = 0; i < streams; ++i) parts_->streams.emplace_back(*parts_);
}
StatsWatch::~StatsWatch() = default;

void StatsWatch::Start() {
  parts_->context.source.AtTick(*this);
  for (Stream& stream : parts_->streams) stream.Post();
}

sys::Ticks StatsWatch::Tick(sys::Ticks now) {
  if (parts_->open == 0) return sys::kTicksForever;
  const ProdDispatcher& dispatcher = parts_->context.dispatcher;
  if (dispatcher.draining() && !dispatcher.HasOpen()) End();
  if (now < parts_->due) return parts_->due;
  parts_->due = sys::kTicksForever;
  for (Stream& stream : parts_->streams) {
    parts_->due = std::min(parts_->due, stream.TellIfDue(now));
  }
  parts_->totals.clear();
  return parts_->due;
}

void StatsWatch::End() {
  if (parts_->ending) return;
  parts_->ending = true;
  for (Stream& stream : parts_->streams) stream.End();
}

size_t StatsWatch::open() const { return parts_->open; }

}  // namespace weft
