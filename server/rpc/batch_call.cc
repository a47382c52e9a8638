#include "rpc/batch_call.h"

#include "rpc/spec_rows.h"
#include "rpc/task_call_pools.h"
#include "wire/status_wire.h"
#include "wire/task_wire.h"

namespace weft {

void SubmitTasksCall::OnRequest() {
  const size_t count = static_cast<size_t>(request_.specs_size());
  if (IsWrongRowCount(count)) {
    // A row of two bytes takes some ninety once it is parsed.
    v1::SubmitTasksRequest().Swap(&request_);
    return Refuse(family_.context.dispatcher.Refuse(WrongRowCount(count)));
  }
  Block& block = family_.calls.submitted_batches.Take();
  block.message.Swap(&request_);
  block.CountBytes(block.message.ByteSizeLong());
  SubmitRows(block);
  block.Release();
  held_.emplace(family_.context.dispatcher, response_.ByteSizeLong());
  Answer();
}

void SubmitTasksCall::SubmitRows(Block& block) {
  response_.Clear();
  RowPath path;
  size_t index = 0;
  for (const v1::TaskSpec& message : block.message.specs()) {
    Accepted accepted;
    const auto refusal = SubmitRow(message, path.At(index++), block, &accepted);
    v1::SubmitTasksRow* const row = response_.add_rows();
    row->set_client_tag(message.client_tag());
    if (refusal) {
      WriteRefusal(*refusal, row->mutable_status());
    } else {
      WriteAccepted(accepted, row->mutable_accepted());
    }
  }
}

std::optional<Refusal> SubmitTasksCall::SubmitRow(const v1::TaskSpec& message,
                                                  std::string_view path, Block& block,
                                                  Accepted* accepted) {
  TaskSpec spec;
  if (auto refusal = ReadTaskSpec(message, path, &labels_, &spec)) {
    return family_.context.dispatcher.RefuseTask(*std::move(refusal));
  }
  const SubmitOptions submit = {.receiver = nullptr, .retain = true};
  return family_.context.dispatcher.Submit(spec, path, block, submit, accepted);
}

void SubmitTasksCall::OnOver() {
  held_.reset();
  family_.pool.OnOver(*this);
}

}  // namespace weft
