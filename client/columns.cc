#include "client/columns.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace weft {
namespace {

// The protocol's bounds of one message.
constexpr uint32_t kMaxRows = 1024;
constexpr int kMaxHandlers = 256;

bool HaveColumns(const v1::StreamTasksRequest& request) {
  const auto& specs = request.specs();
  const bool has_core = specs[0].has_core();
  return std::all_of(specs.begin(), specs.end(), [has_core](const v1::TaskSpec& spec) {
    return spec.has_core() == has_core && spec.affinity_key().empty() && spec.labels().empty();
  });
}

// Names each handler once.
class HandlerColumn {
 public:
  explicit HandlerColumn(v1::TaskColumns* columns) : columns_(columns) {}

  // False: there are too many.
  bool Add(const std::string& handler) {
    if (columns_->handlers_size() == 0 || columns_->handlers(last_) != handler) {
      const auto [found, is_new] = places_.try_emplace(handler, columns_->handlers_size());
      if (is_new) {
        if (columns_->handlers_size() == kMaxHandlers) return false;
        columns_->add_handlers(handler);
      }
      last_ = found->second;
    }
    columns_->add_handler_indexes(static_cast<uint32_t>(last_));
    return true;
  }

 private:
  v1::TaskColumns* const columns_;
  std::unordered_map<std::string_view, int> places_;
  int last_ = 0;
};

template <class Column>
void ClearDefaults(Column* column) {
  if (std::all_of(column->begin(), column->end(), [](auto entry) { return entry == 0; })) {
    column->Clear();
  }
}

template <class Column>
auto EntryOf(const Column& column, int index) -> std::decay_t<decltype(column[0])> {
  return column.empty() ? std::decay_t<decltype(column[0])>{} : column[index];
}

}  // namespace

void PreferColumns(v1::StreamTasksRequest* request) {
  if (request->specs_size() >= kFewestColumns) MakeColumns(request);
}

bool MakeColumns(v1::StreamTasksRequest* request) {
  if (request->specs().empty() || !HaveColumns(*request)) return false;
  v1::TaskColumns& columns = *request->mutable_columns();
  columns.set_count(static_cast<uint32_t>(request->specs_size()));
  HandlerColumn handlers(&columns);
  for (const v1::TaskSpec& spec : request->specs()) {
    if (!handlers.Add(spec.handler())) {
      request->clear_columns();
      return false;
    }
    columns.mutable_payloads()->append(spec.payload());
    columns.add_payload_bytes(static_cast<uint32_t>(spec.payload().size()));
    columns.add_priorities(spec.priority());
    columns.add_timeouts_ns(spec.timeout_ns());
    if (spec.has_core()) columns.add_cores(spec.core());
    columns.add_client_tags(spec.client_tag());
    columns.add_io_priorities(spec.io_priority());
  }
  if (columns.handlers_size() == 1) columns.clear_handler_indexes();
  ClearDefaults(columns.mutable_payload_bytes());
  ClearDefaults(columns.mutable_priorities());
  ClearDefaults(columns.mutable_timeouts_ns());
  ClearDefaults(columns.mutable_io_priorities());
  request->clear_specs();
  return true;
}

bool IsWellFormed(const v1::ResultColumns& columns) {
  if (columns.count() > kMaxRows) return false;
  const int count = static_cast<int>(columns.count());
  for (const int entries :
       {columns.task_ids_size(), columns.client_tags_size(), columns.output_bytes_size(),
        columns.submitted_at_ns_size(), columns.started_at_ns_size(),
        columns.completed_at_ns_size(), columns.suspended_ns_size(), columns.cores_size(),
        columns.priorities_size(), columns.off_core_ns_size()}) {
    if (entries != 0 && entries != count) return false;
  }
  uint64_t bytes = 0;
  for (const uint32_t size : columns.output_bytes()) bytes += size;
  return bytes == columns.outputs().size();
}

void ReadColumns(const v1::ResultColumns& columns, int index, size_t output_begin,
                 v1::TaskResult* result) {
  result->Clear();
  result->set_task_id(EntryOf(columns.task_ids(), index));
  result->set_client_tag(EntryOf(columns.client_tags(), index));
  result->set_state(v1::TASK_STATE_SUCCEEDED);
  result->set_success(true);
  const uint32_t size = EntryOf(columns.output_bytes(), index);
  if (size > 0) result->set_output(columns.outputs().data() + output_begin, size);
  const int64_t submitted_ns = EntryOf(columns.submitted_at_ns(), index);
  result->set_submitted_at_ns(submitted_ns);
  if (!columns.started_at_ns().empty()) {
    const int64_t started_ns = columns.started_at_ns(index);
    const int64_t completed_ns = EntryOf(columns.completed_at_ns(), index);
    result->set_started_at_ns(started_ns);
    result->set_completed_at_ns(completed_ns);
    result->set_queue_latency_ns(started_ns - submitted_ns);
    result->set_execution_latency_ns(completed_ns - started_ns);
    result->set_total_latency_ns(completed_ns - submitted_ns);
  }
  result->set_suspended_ns(EntryOf(columns.suspended_ns(), index));
  result->set_core(EntryOf(columns.cores(), index));
  result->set_priority(columns.priorities().empty() ? v1::PRIORITY_NORMAL
                                                    : columns.priorities(index));
  result->set_attempts(1);
  if (!columns.off_core_ns().empty() && columns.off_core_ns(index) >= 0) {
    result->set_off_core_ns(columns.off_core_ns(index));
  }
}

void ForEachResult(const v1::ResultColumns& columns,
                   const std::function<void(v1::TaskResult&& result)>& take) {
  size_t output_begin = 0;
  for (int index = 0; index < static_cast<int>(columns.count()); ++index) {
    v1::TaskResult result;
    ReadColumns(columns, index, output_begin, &result);
    output_begin += result.output().size();
    take(std::move(result));
  }
}

}  // namespace weft
