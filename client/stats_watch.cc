#include "client/stats_watch.h"

#include <utility>

#include "client/status_convert.h"

namespace weft {

StatsWatch::StatsWatch(std::unique_ptr<Call> call) : call_(std::move(call)) {}

StatsWatch::~StatsWatch() {
  if (call_->ended) return;
  call_->context.TryCancel();
  (void)call_->reader->Finish();
}

absl::StatusOr<v1::WatchStatsResponse> StatsWatch::Next() {
  if (call_->ended) return absl::FailedPreconditionError("the watch has ended");
  v1::WatchStatsResponse response;
  if (call_->reader->Read(&response)) return response;
  call_->ended = true;
  absl::Status status = FromGrpcStatus(call_->reader->Finish());
  if (!status.ok()) return status;
  return absl::InternalError("the daemon ended the watch without a reason");
}

void StatsWatch::Cancel() { call_->context.TryCancel(); }

}  // namespace weft
