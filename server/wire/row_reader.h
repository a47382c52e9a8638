#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "task/limits.h"
#include "task/refusal.h"
#include "task/task_spec.h"
#include "wire/column_reader.h"
#include "wire/spec_check.h"

namespace weft {

// A weft.v1.StreamTasksRequest. Its rows are read straight from its bytes: in one pass, without a
// message between, and in steady state without an allocation; its columns are told apart. It takes
// and refuses what the generated code and ReadTaskSpec do, and the same with the same words. Used
// again and again; holds one message's rows, kMaxRows at most. Door thread only.
class RowReader {
 public:
  // False: bytes are no StreamTasksRequest, and nothing of them may be used. Otherwise they stay
  // until the last row's task needs its payload no more.
  bool Read(std::string_view bytes);

  // Those of the message, if it has any; they do not count as rows.
  ColumnReader& columns() { return columns_; }

  // How many rows there are, also when they are more than kMaxRows, of which the rest is dropped.
  size_t count() const { return count_; }

  // To be called once for a row of Read, index < min(count(), kMaxRows), and before spec: what
  // ReadTaskSpec refuses.
  std::optional<Refusal> Check(size_t index, std::string_view field_prefix) {
    Row& row = rows_[index];
    if (!CompleteSpec(row.priorities, &row.spec)) [[unlikely]] {
      return SpecRefusal(row.priorities, field_prefix, row.spec);
    }
    if (!row.labels.empty()) [[unlikely]]
      return TakeLabels(row, field_prefix);
    return std::nullopt;
  }
  // Of a refused row, only client_tag. The labels hold until the next Check.
  const TaskSpec& spec(size_t index) const { return rows_[index].spec; }

 private:
  struct Row {
    TaskSpec spec;            // But priorities and labels.
    std::string_view labels;  // The row's bytes, if it has any.
    WirePriorities priorities;
  };

  static bool ReadRow(std::string_view bytes, Row* row);
  std::optional<Refusal> TakeLabels(Row& row, std::string_view field_prefix);

  // One message's, and one for those beyond kMaxRows.
  std::vector<Row> rows_ = std::vector<Row>(kMaxRows + 1);
  size_t count_ = 0;
  std::string labels_;
  ColumnReader columns_;
};

}  // namespace weft
