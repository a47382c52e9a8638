#include "rpc/stream_call.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "rpc/calls_full.h"
#include "rpc/spec_rows.h"
#include "wire/row_wire.h"
#include "wire/status_wire.h"

namespace weft {
namespace {

// So many tasks of one message are a round's work.
constexpr uint32_t kCutRows = 256;
// Where they come in columns so many are submitted a round, so that what they take is still in the
// first cache when they run and when they end,
constexpr size_t kPortion = 128;
// and the rest at once if those before ran for longer than so many times what submitting them took.
constexpr sys::Ticks kLongRun = 4;
// So many of them are admitted at one reading of the clock, taken before the first is: one for each
// costs columns 4 % of their rate (bench/README.md).
constexpr size_t kTasksPerReading = 16;

Refusal InvalidMessage() {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.message = "a message of the stream is not a weft.v1.StreamTasksRequest";
  return refusal;
}

Refusal BothForms(size_t rows) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field = "specs";
  refusal.message =
      absl::StrCat("specs has ", rows, " rows beside columns; a message carries either");
  return refusal;
}

Refusal TooManyStreams(size_t max_streams) {
  return CallsFull(std::to_string(max_streams) + " streams are open", "limits.max_streams",
                   kLongCallRetryNs);
}

// The message may lie in several slices. A copy holds no more memory than the message has, where a
// slice would hold all that was received together with it.
bool CopyBytes(grpc::ByteBuffer* from, std::string* to) {
  grpc::ProtoBufferReader reader(from);
  const void* slice = nullptr;
  int bytes = 0;
  to->clear();
  to->reserve(from->Length());
  while (reader.Next(&slice, &bytes)) {
    to->append(static_cast<const char*>(slice), static_cast<size_t>(bytes));
  }
  return reader.status().ok();
}

}  // namespace

void LiveRow::OnResult(const TaskResult& result, bool /*ended*/) {
  stream->OnRowResult(*this, result);
}

void LiveRow::Begin(StreamCall& call, size_t bytes, bool in_columns) {
  stream = &call;
  payload_bytes = bytes;
  is_in_columns = in_columns;
  set_gatherer(in_columns ? &call : nullptr);
}

StreamCall::StreamCall(const RpcContext& context, TaskGrpc& service, StreamRows& rows,
                       RowReader& reader, BlockPool<std::string>& blocks, StreamOwner& owner)
    : rpc_(context),
      service_(service),
      rows_(rows),
      reader_(reader),
      blocks_(blocks),
      owner_(owner),
      waiting_columns_(rows.column_chunks(), context.options.stream_message_bytes_max) {}

void StreamCall::Post() {
  context_.emplace();
  stream_.emplace(&*context_);
  ending_.reset();
  opened_ = half_closed_ = writing_ = finishing_ = finished_ = broken_ = done_ = false;
  context_->AsyncNotifyWhenDone(static_cast<QueueEvent*>(&done_event_));
  service_.RequestStreamTasks(&*context_, &*stream_, &rpc_.source.queue(), &rpc_.source.queue(),
                              static_cast<QueueEvent*>(&opened_event_));
}

void StreamCall::EndWith(grpc::Status status) {
  if (!opened_ || ending_) return;
  ending_ = std::move(status);
  MaybeFinish();
}

void StreamCall::Opened(bool ok) {
  if (!ok) return;  // The server shuts down; the call never was.
  opened_ = true;
  if (!owner_.OnStreamOpened()) {
    EndWith(ToGrpcStatus(rpc_.dispatcher.Refuse(TooManyStreams(rpc_.options.max_streams))));
    return;
  }
  ReadMore();
}

bool StreamCall::is_full() const {
  return unanswered_rows_ >= rpc_.options.stream_rows_max ||
         waiting_bytes() + writing_bytes_ >= rpc_.options.stream_bytes_max ||
         live_bytes_ >= rpc_.options.stream_payload_bytes_max();
}

void StreamCall::ReadMore() {
  const bool over = half_closed_ || ending_ || broken_ || !rpc_.source.open();
  if (reading_ || over || is_full()) return;
  reading_ = true;
  stream_->Read(&received_, static_cast<QueueEvent*>(&read_event_));
}

void StreamCall::Read(bool ok) {
  reading_ = false;
  if (!ok) {
    half_closed_ = true;
  } else if (!ending_ && !broken_) {
    TakeMessage();
    if (columns_.block != nullptr) return;
  }
  AfterMessage();
}

void StreamCall::AfterMessage() {
  ReadMore();
  MaybeFinish();
  MaybeOver();
}

void StreamCall::TakeMessage() {
  Block& block = blocks_.Take();
  block.CountBytes(received_.Length());
  const bool copied = CopyBytes(&received_, &block.message);
  received_.Clear();
  if (copied && reader_.Read(block.message)) {
    if (reader_.columns().is_present()) return BeginColumns(block);
    SubmitRows(block);
    if (block.holders() > kCutRows) rpc_.source.CutRound();
  } else {
    EndWith(ToGrpcStatus(rpc_.dispatcher.Refuse(InvalidMessage())));
  }
  // What was refused holds no memory until the next message.
  reader_.columns().Clear();
  block.Release();
}

void StreamCall::SubmitRows(Block& block) {
  const size_t count = reader_.count();
  if (IsWrongRowCount(count)) {
    return EndWith(ToGrpcStatus(rpc_.dispatcher.Refuse(WrongRowCount(count))));
  }
  RowPath path;
  sys::Ticks at = 0;
  for (size_t index = 0; index < count; ++index) {
    if (index % kTasksPerReading == 0) at = rpc_.dispatcher.Now();
    const std::string_view prefix = path.At(index);
    const TaskSpec& spec = reader_.spec(index);
    ++unanswered_rows_;
    auto refusal = reader_.Check(index, prefix);
    if (refusal) {
      (void)rpc_.dispatcher.RefuseTask(*refusal);
    } else {
      refusal = SubmitTask(spec, prefix, block, {.at = at});
    }
    if (refusal) RefuseRow(spec.client_tag, *refusal);
  }
}

void StreamCall::BeginColumns(Block& block) {
  ColumnReader& columns = reader_.columns();
  auto wrong = columns.Check();
  if (!wrong && reader_.count() > 0) wrong = BothForms(reader_.count());
  columns_ = {.block = &block};
  if (wrong) {
    EndWith(ToGrpcStatus(rpc_.dispatcher.Refuse(*std::move(wrong))));
    EndColumns();
    return;
  }
  columns.TakePayloads(&block.message);
  SubmitPortion();
}

void StreamCall::GoOn() {
  SubmitPortion();
  if (columns_.block == nullptr) AfterMessage();
}

// Where the core runs in the Door's thread the tasks of a portion have mostly ended when the next
// is submitted. Where that takes long, or they run elsewhere, nothing is gained and others wait.
void StreamCall::SubmitPortion() {
  const size_t count = reader_.columns().count();
  const sys::Ticks began = rpc_.dispatcher.Now();
  const bool is_quick =
      columns_.next == 0 || (columns_.block->holders() == 1 &&
                             began - columns_.paused_at <= kLongRun * columns_.worked_for);
  SubmitColumns(is_quick ? std::min(columns_.next + kPortion, count) : count);
  if (columns_.next >= count) {
    if (count > kCutRows) rpc_.source.CutRound();
    return EndColumns();
  }
  columns_.paused_at = rpc_.dispatcher.Now();
  columns_.worked_for = columns_.paused_at - began;
  rpc_.source.GoOnNext(*this);
}

void StreamCall::EndColumns() {
  reader_.columns().Clear();
  std::exchange(columns_.block, nullptr)->Release();
}

void StreamCall::SubmitColumns(size_t until) {
  ColumnReader& columns = reader_.columns();
  Block& block = *columns_.block;
  RowPath path("columns[");
  size_t& index = columns_.next;
  while (index < until) {
    const sys::Ticks at = rpc_.dispatcher.Now();
    const size_t end = std::min(index + kTasksPerReading, until);
    index += SubmitAlike(end - index, at, block);
    for (; index < end; ++index) {
      const std::string_view prefix = path.At(index);
      TaskSpec spec;
      ++unanswered_rows_;
      auto refusal = columns.Next(prefix, &spec);
      if (refusal) {
        (void)rpc_.dispatcher.RefuseTask(*refusal);
      } else {
        refusal = SubmitTask(spec, prefix, block, {.at = at, .is_in_columns = true});
      }
      if (refusal) RefuseRow(spec.client_tag, *refusal);
    }
  }
}

// Of the next tasks in columns those that are alike, at most so many; how many it were. What it
// leaves may be as well as any, or not.
size_t StreamCall::SubmitAlike(size_t most, sys::Ticks at, Block& block) {
  std::array<ColumnReader::Own, kTasksPerReading> own;
  std::array<AlikeTask, kTasksPerReading> tasks;
  TaskSpec like;
  const size_t count = reader_.columns().PeekAlike(&like, std::span(own).first(most));
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    LiveRow& row = rows_.TakeLive();
    row.Begin(*this, own[i].payload.size(), /*in_columns=*/true);
    bytes += row.payload_bytes;
    tasks[i] = {own[i].payload, own[i].client_tag, &row, {}};
  }
  const auto taken = std::span(tasks).first(count);
  if (count == 0 || !rpc_.dispatcher.SubmitAlike(like, taken, block, at)) {
    for (const AlikeTask& task : taken) rows_.ReturnLive(static_cast<LiveRow&>(*task.receiver));
    return 0;
  }
  for (const AlikeTask& task : taken) {
    auto& row = static_cast<LiveRow&>(*task.receiver);
    row.task = task.id;
    Link(row);
  }
  reader_.columns().Skip(std::span(own).first(count));
  unanswered_rows_ += count;
  live_bytes_ += bytes;
  return count;
}

std::optional<Refusal> StreamCall::SubmitTask(const TaskSpec& spec, std::string_view prefix,
                                              Block& block, Came came) {
  LiveRow& row = rows_.TakeLive();
  Accepted accepted;
  row.Begin(*this, spec.payload.size(), came.is_in_columns);
  auto refusal =
      rpc_.dispatcher.Submit(spec, prefix, block, {.receiver = &row, .at = came.at}, &accepted);
  if (refusal) {
    rows_.ReturnLive(row);
    return refusal;
  }
  row.task = accepted.id;
  live_bytes_ += row.payload_bytes;
  Link(row);
  return std::nullopt;
}

// Rare, so the generated code writes it.
void StreamCall::RefuseRow(uint64_t client_tag, const Refusal& refusal) {
  v1::StreamTasksResponse response;
  v1::StreamTasksRow* const row = response.add_rows();
  row->set_client_tag(client_tag);
  WriteRefusal(refusal, row->mutable_status());
  const size_t bytes = response.ByteSizeLong();
  rpc_.dispatcher.HoldAnswer(bytes);
  response.SerializeWithCachedSizesToArray(waiting_.Add(bytes));
  rpc_.source.AtEndOfRound(*this);
}

void StreamCall::OnRowResult(LiveRow& live, const TaskResult& result) {
  const bool is_in_columns = live.is_in_columns && ColumnBuffer::Takes(result);
  Unlink(live);
  rows_.ReturnLive(live);
  if (is_in_columns) {
    rpc_.dispatcher.HoldAnswer(ColumnBuffer::BytesOf(result));
    waiting_columns_.Add(result);
    rpc_.source.AtEndOfRound(*this);
    return;
  }
  const RowBytes bytes = MeasureRow(result);
  rpc_.dispatcher.HoldAnswer(bytes.whole);
  (void)WriteRow(result, bytes, waiting_.Add(bytes.whole));
  rpc_.source.AtEndOfRound(*this);
}

void StreamCall::OnResults(const PlainResults& results,
                           std::span<ResultReceiver* const> receivers) {
  for (ResultReceiver* const receiver : receivers) {
    auto& row = static_cast<LiveRow&>(*receiver);
    Unlink(row);
    rows_.ReturnLive(row);
  }
  rpc_.dispatcher.HoldAnswer(ColumnBuffer::BytesOf(results));
  waiting_columns_.Add(results);
  rpc_.source.AtEndOfRound(*this);
}

// A message costs as much as some sixty rows, so a few rows wait as long as each round brings more
// and others are in flight. A round of the Door takes about a microsecond.
void StreamCall::EndOfRound(bool before_sleep) {
  const size_t rows = waiting_rows();
  const bool grew = rows > std::exchange(rows_last_round_, rows);
  if (!before_sleep && grew && live_ != nullptr && rows < rpc_.options.stream_gather_rows) {
    rpc_.source.AtEndOfRound(*this);
    return;
  }
  StartWrite();
  rows_last_round_ = waiting_rows();
}

void StreamCall::StartWrite() {
  if (writing_ || finishing_ || broken_ || waiting_rows() == 0 || !rpc_.source.open()) return;
  std::vector<grpc::Slice> slices;
  const size_t bytes_before = waiting_bytes();
  writing_rows_ = waiting_.Take(rpc_.options.stream_message_bytes_max, &slices);
  // Each is a StreamTasksResponse, and so are they in a row.
  if (writing_rows_ == 0 || waiting_.rows() == 0) writing_rows_ += waiting_columns_.Take(&slices);
  writing_bytes_ = bytes_before - waiting_bytes();
  writing_ = true;
  stream_->Write(grpc::ByteBuffer(slices.data(), slices.size()),
                 static_cast<QueueEvent*>(&wrote_event_));
}

void StreamCall::Wrote(bool ok) {
  writing_ = false;
  unanswered_rows_ -= std::exchange(writing_rows_, 0);
  rpc_.dispatcher.LetGoOfAnswer(std::exchange(writing_bytes_, 0));
  if (ok && waiting_rows() != 0) rpc_.source.AtEndOfRound(*this);
  ReadMore();
  MaybeFinish();
  MaybeOver();
}

void StreamCall::MaybeFinish() {
  if (!opened_ || finishing_ || broken_ || writing_ || columns_.block != nullptr) return;
  if (!rpc_.source.open()) return;
  if (unanswered_rows_ != 0 || (!ending_ && !half_closed_)) return;
  finishing_ = true;
  stream_->Finish(ending_.value_or(grpc::Status::OK), static_cast<QueueEvent*>(&finished_event_));
}

void StreamCall::Finished(bool /*ok*/) {
  finished_ = true;
  MaybeOver();
}

void StreamCall::Done(bool /*ok*/) {
  done_ = true;
  if (!finishing_) {
    broken_ = true;
    CancelRows();
    DropWaiting();
  }
  MaybeOver();
}

void StreamCall::CancelRows() {
  while (live_ != nullptr) {
    LiveRow& row = *live_;
    Unlink(row);
    rpc_.dispatcher.Leave(row);
    (void)rpc_.dispatcher.Cancel(row.task, CancelReason::kDisconnected, nullptr);
    rows_.ReturnLive(row);
    --unanswered_rows_;
  }
}

void StreamCall::DropWaiting() {
  rpc_.dispatcher.LetGoOfAnswer(waiting_bytes());
  unanswered_rows_ -= waiting_.Clear() + waiting_columns_.Clear();
}

void StreamCall::MaybeOver() {
  if (!done_ || reading_ || writing_ || (finishing_ && !finished_)) return;
  if (columns_.block != nullptr) return;
  stream_.reset();
  context_.reset();
  received_.Clear();
  opened_ = done_ = false;
  owner_.OnStreamOver(*this);
}

void StreamCall::Link(LiveRow& row) {
  row.previous = nullptr;
  row.next = live_;
  if (live_ != nullptr) live_->previous = &row;
  live_ = &row;
}

void StreamCall::Unlink(LiveRow& row) {
  live_bytes_ -= row.payload_bytes;
  (row.previous == nullptr ? live_ : row.previous->next) = row.next;
  if (row.next != nullptr) row.next->previous = row.previous;
  row.next = row.previous = nullptr;
}

}  // namespace weft
