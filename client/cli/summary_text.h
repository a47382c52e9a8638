#pragma once

#include <string>

#include "weft/v1/task_service.pb.h"

// Tasks of listings and watches as people read them, one a line. Any thread.
namespace weft::cli {

// The names of SummaryRow's columns.
[[nodiscard]] std::string SummaryHeader();
[[nodiscard]] std::string SummaryRow(const v1::TaskSummary& task);

// "accepted echo app=shop: task 7 on core 1 (normal)", and of one that has ended what came of it.
[[nodiscard]] std::string EventLine(const v1::TaskEvent& event);

// "a=1 b=2", in the order of the keys.
[[nodiscard]] std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels);

}  // namespace weft::cli
