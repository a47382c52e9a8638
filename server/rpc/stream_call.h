#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "rpc/column_buffer.h"
#include "rpc/completion_source.h"
#include "rpc/message_block.h"
#include "rpc/queue_event.h"
#include "rpc/row_buffer.h"
#include "rpc/rpc_context.h"
#include "rpc/stream_rows.h"
#include "rpc/task_grpc.h"
#include "task/refusal.h"
#include "wire/row_reader.h"

namespace weft {

class StreamCall;

// The part of a stream's owner that a stream sees.
class StreamOwner {
 public:
  // A posted stream was opened. False when it is one too many.
  virtual bool OnStreamOpened() = 0;
  // It may be posted again.
  virtual void OnStreamOver(StreamCall& stream) = 0;

 protected:
  ~StreamOwner() = default;
};

// One StreamTasks call, used again and again. Copies a message at a time into a block of its own,
// reads all its rows or columns there, submits their tasks, rows in one pass and columns in as many
// rounds as it takes, and gathers answers until the last of these is over; one write is under way
// at most. Bounds (RpcOptions): at stream_rows_max rows not yet handed to the client,
// stream_payload_bytes_max() bytes of payloads in flight or stream_bytes_max bytes of answers not
// yet handed over it stops reading until some have left, so a client that never reads holds a
// bounded part of memory, and no other stream waits for it. Its tasks are cancelled when it breaks.
// Owned by TaskService. Door thread only.
class StreamCall final : public RoundListener, public ResultGatherer, private RoundWork {
 public:
  StreamCall(const RpcContext& context, TaskGrpc& service, StreamRows& rows, RowReader& reader,
             BlockPool<std::string>& blocks, StreamOwner& owner);

  // Asks gRPC for the next stream. source.asking() holds.
  void Post();
  // Reads no more; what is in flight is answered, then the call ends with status.
  void EndWith(grpc::Status status);

  // A row's task has ended.
  void OnRowResult(LiveRow& row, const TaskResult& result);
  // The same of several that came in columns.
  void OnResults(const PlainResults& results, std::span<ResultReceiver* const> receivers) override;
  // Starts the write of what was gathered, unless waiting for more is worth while.
  void EndOfRound(bool before_sleep) override;

 private:
  using Block = MessageBlock<std::string>;
  // When a row came, and whether in columns.
  struct Came {
    sys::Ticks at = 0;
    bool is_in_columns = false;
  };

  void Opened(bool ok);
  void Read(bool ok);
  void Wrote(bool ok);
  void Finished(bool ok);
  void Done(bool ok);

  void ReadMore();
  void TakeMessage();
  void AfterMessage();
  void SubmitRows(Block& block);
  void BeginColumns(Block& block);
  void GoOn() override;
  void SubmitPortion();
  void SubmitColumns(size_t until);
  void EndColumns();
  size_t SubmitAlike(size_t most, sys::Ticks at, Block& block);
  std::optional<Refusal> SubmitTask(const TaskSpec& spec, std::string_view prefix, Block& block,
                                    Came came);
  void RefuseRow(uint64_t client_tag, const Refusal& refusal);
  void StartWrite();
  void CancelRows();
  void DropWaiting();
  void MaybeFinish();
  void MaybeOver();
  void Link(LiveRow& row);
  void Unlink(LiveRow& row);
  size_t waiting_rows() const { return waiting_.rows() + waiting_columns_.rows(); }
  size_t waiting_bytes() const { return waiting_.bytes() + waiting_columns_.bytes(); }
  bool is_full() const;

  const RpcContext& rpc_;
  TaskGrpc& service_;
  StreamRows& rows_;
  RowReader& reader_;
  BlockPool<std::string>& blocks_;
  StreamOwner& owner_;

  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream_;
  MemberEvent<StreamCall, &StreamCall::Opened> opened_event_{*this};
  MemberEvent<StreamCall, &StreamCall::Read> read_event_{*this};
  MemberEvent<StreamCall, &StreamCall::Wrote> wrote_event_{*this};
  MemberEvent<StreamCall, &StreamCall::Finished> finished_event_{*this};
  MemberEvent<StreamCall, &StreamCall::Done> done_event_{*this};

  // A message in columns, until all its tasks were submitted.
  struct Unfinished {
    Block* block = nullptr;  // Null: there is none.
    size_t next = 0;         // Task.
    sys::Ticks paused_at = 0;
    sys::Ticks worked_for = 0;  // The last time.
  };

  grpc::ByteBuffer received_;  // Of the read that is under way.
  bool reading_ = false;
  Unfinished columns_;
  LiveRow* live_ = nullptr;       // Rows whose tasks have not ended.
  RowBuffer waiting_;             // Answers in the order in which their tasks ended,
  ColumnBuffer waiting_columns_;  // and those that go as columns.
  size_t rows_last_round_ = 0;    // That waited when the last round was over.
  size_t unanswered_rows_ = 0;    // Live, waiting, or in the write under way.
  size_t writing_rows_ = 0;
  size_t writing_bytes_ = 0;
  size_t live_bytes_ = 0;  // Payloads of live rows.

  std::optional<grpc::Status> ending_;  // Set: no more reading, end with that.
  bool opened_ = false;
  bool half_closed_ = false;  // The client sends no more.
  bool writing_ = false;
  bool finishing_ = false;  // Finish was posted.
  bool finished_ = false;   // Finish came back.
  bool broken_ = false;     // The client is gone.
  bool done_ = false;       // gRPC is through with the call.
};

}  // namespace weft
