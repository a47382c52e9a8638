#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <ostream>
#include <string>

#include "weft/v1/admin_service.pb.h"

// How `weft` writes what it learned of cores and handlers.
namespace weft::cli {

// "64 polls" or "250 µs".
[[nodiscard]] std::string BudgetText(const v1::Budget& budget);

// "2 of 16 threads busy, 5 queued (at most 1000 a level), refused 9".
[[nodiscard]] std::string PoolText(const v1::BlockingPool& pool);

void WriteCores(const v1::ListCoresResponse& cores, std::ostream& out);

// One row for each handler that executed something, is paused or demoted; nothing when there is
// none.
void WriteHandlerStats(const google::protobuf::RepeatedPtrField<v1::HandlerStats>& handlers,
                       std::ostream& out);

// "refused    QUEUE_FULL 3, DRAINING 1"; nothing when nothing was refused.
void WriteRefusals(const v1::GetStatsResponse& stats, std::ostream& out);

}  // namespace weft::cli
