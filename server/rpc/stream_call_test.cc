// StreamTasks as a client meets it: rows and columns answered once each, half-closed, broken,
// overlong and never read, each without harm to others.
#include "rpc/stream_call.h"

#include <grpcpp/generic/generic_stub.h>

#include <set>

#include "rpc/rpc_fixture.h"
#include "task/limits.h"

namespace weft {
namespace {

using Stream = grpc::ClientReaderWriter<v1::StreamTasksRequest, v1::StreamTasksResponse>;

class StreamCallTest : public RpcFixture {
 protected:
  static v1::StreamTasksRequest Rows(size_t count, const v1::TaskSpec& spec,
                                     uint64_t first_tag = 0) {
    v1::StreamTasksRequest request;
    for (size_t i = 0; i < count; ++i) {
      *request.add_specs() = spec;
      request.mutable_specs(static_cast<int>(i))->set_client_tag(first_tag + i);
    }
    return request;
  }
  // All rows until the server ends the stream.
  static std::vector<v1::StreamTasksRow> ReadAll(Stream& stream) {
    std::vector<v1::StreamTasksRow> rows;
    v1::StreamTasksResponse response;
    while (stream.Read(&response))
      rows.insert(rows.end(), response.rows().begin(), response.rows().end());
    return rows;
  }
  static v1::StreamTasksRequest Columns(uint32_t count, const std::string& handler,
                                        const std::string& payload = "") {
    v1::StreamTasksRequest request;
    v1::TaskColumns& columns = *request.mutable_columns();
    columns.set_count(count);
    columns.add_handlers(handler);
    for (uint32_t i = 0; i < count; ++i) {
      columns.add_client_tags(i);
      columns.mutable_payloads()->append(payload);
      if (!payload.empty()) columns.add_payload_bytes(static_cast<uint32_t>(payload.size()));
    }
    return request;
  }
  // All answers until the server ends the stream, in one message.
  static v1::StreamTasksResponse ReadMerged(Stream& stream) {
    v1::StreamTasksResponse all;
    v1::StreamTasksResponse response;
    uint32_t in_columns = 0;
    std::string outputs;
    while (stream.Read(&response)) {
      EXPECT_LE(response.columns().count(), kMaxRows);
      in_columns += response.columns().count();
      outputs += response.columns().outputs();
      all.MergeFrom(response);
    }
    if (in_columns == 0) return all;
    all.mutable_columns()->set_count(in_columns);
    all.mutable_columns()->set_outputs(outputs);
    return all;
  }
  // How a stream ends whose only message has these bytes.
  grpc::Status StatusOfBytes(const std::string& bytes) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::GenericStub raw(channel_);
    const auto call = raw.PrepareCall(&context, "/weft.v1.TaskService/StreamTasks", &queue);
    const auto next = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    call->StartCall(nullptr);
    EXPECT_TRUE(next());
    const grpc::Slice slice(bytes);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    EXPECT_TRUE(next());
    grpc::Status status;
    call->Finish(&status, nullptr);
    EXPECT_TRUE(next());
    return status;
  }
};

TEST_F(StreamCallTest, AnswersEveryRowOnceAfterAHalfClose) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(stream->Write(Rows(64, Spec("echo", "x"), i * 64)));
  stream->WritesDone();
  std::set<uint64_t> tags;
  for (const v1::StreamTasksRow& row : ReadAll(*stream)) {
    EXPECT_TRUE(tags.insert(row.client_tag()).second) << row.client_tag() << " twice";
    EXPECT_EQ(row.result().client_tag(), row.client_tag());
    EXPECT_EQ(row.result().state(), v1::TASK_STATE_SUCCEEDED);
    EXPECT_EQ(row.result().output(), "x");
  }
  EXPECT_EQ(tags.size(), 640u);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(Stats().tasks().succeeded(), 640u);
}

TEST_F(StreamCallTest, AnswersWhatIsInFlightWhenHalfClosed) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  ASSERT_TRUE(stream->Write(Rows(3, Spec("sleep", "20ms"))));
  stream->WritesDone();
  EXPECT_EQ(ReadAll(*stream).size(), 3u);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamCallTest, RefusesARowAndRunsTheOthers) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  v1::StreamTasksRequest request = Rows(3, Spec("noop"));
  request.mutable_specs(1)->set_handler("nope");
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  size_t refused = 0;
  for (const v1::StreamTasksRow& row : ReadAll(*stream)) {
    EXPECT_EQ(row.has_status(), row.client_tag() == 1);
    if (!row.has_status()) continue;
    ++refused;
    EXPECT_EQ(row.status().code(), grpc::StatusCode::INVALID_ARGUMENT);
    const auto bad_request = DetailOf<google::rpc::BadRequest>(row.status());
    ASSERT_EQ(bad_request.field_violations_size(), 1);
    EXPECT_EQ(bad_request.field_violations(0).field(), "specs[1].handler");
  }
  EXPECT_EQ(refused, 3u);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamCallTest, RefusesRowsOfAFullQueueWithoutStalling) {
  dispatch_options_.max_queue_depth = core_options_.max_queue_depth = 4;
  core_options_.stacks = 2;
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  ASSERT_TRUE(stream->Write(Rows(20, Spec("sleep", "10ms"))));
  ASSERT_TRUE(stream->Write(Rows(20, Spec("sleep", "10ms"), 20)));
  stream->WritesDone();
  const auto rows = ReadAll(*stream);
  EXPECT_EQ(rows.size(), 40u);
  size_t refused = 0;
  for (const v1::StreamTasksRow& row : rows) {
    if (!row.has_status()) continue;
    ++refused;
    EXPECT_EQ(row.status().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_GE(refused, 10u);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamCallTest, EndsTheCallAtAMessageOfTooManyRows) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  ASSERT_TRUE(stream->Write(Rows(kMaxRows + 1, Spec("noop"))));
  EXPECT_TRUE(ReadAll(*stream).empty());
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("1024"), std::string::npos) << status.error_message();
  EXPECT_EQ(FieldOf(status), "specs");
  EXPECT_EQ(Stats().tasks().accepted(), 0u);
}

TEST_F(StreamCallTest, EndsTheCallAtAMessageThatIsNoRequest) {
  StartServer();
  const grpc::Status status = StatusOfBytes("\xff\xff\xff");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("StreamTasksRequest"), std::string::npos);
  EXPECT_TRUE(Run(Spec("noop")).ok());
}

TEST_F(StreamCallTest, SubmitsNothingOfAMessageThatIsCutOffInItsLastRow) {
  StartServer();
  std::string bytes = Rows(5, Spec("noop")).SerializeAsString();
  bytes.pop_back();
  EXPECT_EQ(StatusOfBytes(bytes).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Stats().tasks().accepted(), 0u);
}

TEST_F(StreamCallTest, EchoesPayloadsOfAMessageThatComesInPieces) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  v1::StreamTasksRequest request;
  for (uint64_t tag = 0; tag < 5; ++tag) {
    const auto letter = static_cast<char>('a' + tag);
    *request.add_specs() = Spec("echo", std::string(100'000, letter));
    request.mutable_specs()->rbegin()->set_client_tag(tag);
  }
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  const auto rows = ReadAll(*stream);
  EXPECT_EQ(rows.size(), 5u);
  for (const v1::StreamTasksRow& row : rows) {
    EXPECT_EQ(row.result().output(), request.specs(static_cast<int>(row.client_tag())).payload());
  }
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamCallTest, CancelsItsTasksWhenItBreaks) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  ASSERT_TRUE(stream->Write(Rows(5, Spec("sleep", "60s"))));
  AwaitStats([](const auto& s) { return s.cores(0).started() == 5; });
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  const auto stats = AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_EQ(stats.tasks().cancelled(), 5u);
}

TEST_F(StreamCallTest, StopsReadingAtItsBoundWhileOthersGoOn) {
  rpc_options_.stream_rows_max = 64;
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(stream->Write(Rows(16, Spec("sleep", "60s"))));
  AwaitStats([](const auto& s) { return s.tasks().in_flight() >= 64; });
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Run(Spec("noop")).ok());
  EXPECT_EQ(Stats().tasks().in_flight(), 64u);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  const auto stats = AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_EQ(stats.tasks().cancelled(), 64u);
}

TEST_F(StreamCallTest, HoldsBoundedBytesForAClientThatNeverReads) {
  rpc_options_.stream_bytes_max = 1024 * 1024;
  rpc_options_.max_payload_bytes = 128 * 1024;  // Payloads in flight: half a megabyte.
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  constexpr uint64_t kMessages = 400;
  std::thread writer([&stream] {
    const auto request = Rows(4, Spec("echo", std::string(64 * 1024, 'x')));
    for (uint64_t i = 0; i < kMessages && stream->Write(request); ++i) {
    }
  });
  AwaitStats([](const auto& s) { return s.tasks().accepted() >= 16; });
  // Others are served meanwhile, each call a chance for the stream to be read further.
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(Run(Spec("noop")).ok());
  const uint64_t echoes = Stats().tasks().accepted() - 200;
  EXPECT_LT(echoes, kMessages * 4 / 2);
  // What it holds is counted for all to see: both bounds, and at most a message more of each.
  const Gauge& held = dispatcher_->stats().in_flight_bytes;
  EXPECT_GT(held.value(), 512 * 1024);
  EXPECT_LT(held.value(), 3 * 1024 * 1024);
  context.TryCancel();
  writer.join();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  AwaitStats([&](const auto& s) { return s.tasks().in_flight() == 0 && held.value() == 0; });
}

TEST_F(StreamCallTest, AnswersColumnsInColumns) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  constexpr int kMessages = 5;
  for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(stream->Write(Columns(200, "echo", "four")));
  stream->WritesDone();
  const v1::StreamTasksResponse answers = ReadMerged(*stream);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(answers.rows().empty());
  const v1::ResultColumns& columns = answers.columns();
  ASSERT_EQ(columns.count(), 1'000u);
  ASSERT_EQ(columns.client_tags_size(), 1'000);
  ASSERT_EQ(columns.submitted_at_ns_size(), 1'000);
  ASSERT_EQ(columns.started_at_ns_size(), 1'000);
  ASSERT_EQ(columns.completed_at_ns_size(), 1'000);
  EXPECT_EQ(columns.outputs().size(), 4u * 1'000);
  EXPECT_EQ(std::set<uint64_t>(columns.task_ids().begin(), columns.task_ids().end()).size(),
            1'000u);
  std::vector<int> answered(200);
  for (int i = 0; i < 1'000; ++i) {
    ++answered[columns.client_tags(i)];
    EXPECT_LE(columns.submitted_at_ns(i), columns.started_at_ns(i));
    EXPECT_LE(columns.started_at_ns(i), columns.completed_at_ns(i));
    EXPECT_EQ(columns.output_bytes(i), 4u);
  }
  EXPECT_EQ(answered, std::vector<int>(200, kMessages));
  // One reading of the clock for 16 tasks of a message: 13 for each of these.
  EXPECT_EQ(
      std::set<int64_t>(columns.submitted_at_ns().begin(), columns.submitted_at_ns().end()).size(),
      13u * kMessages);
  EXPECT_TRUE(columns.priorities().empty()) << "all are normal";
  EXPECT_TRUE(columns.suspended_ns().empty()) << "none was suspended";
  EXPECT_EQ(Stats().tasks().succeeded(), 1'000u);
}

// Messages of so many are submitted in portions, with other tasks between them.
class FullColumnsTest : public StreamCallTest, public testing::WithParamInterface<bool> {
 protected:
  FullColumnsTest() {
    lends_door_ = GetParam();
    core_options_.max_queue_depth = dispatch_options_.max_queue_depth = 8'192;
  }
};

TEST_P(FullColumnsTest, EachTaskIsAnsweredOnceWhateverBecomesOfIt) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  constexpr uint32_t kMessages = 4;
  v1::StreamTasksRequest request = Columns(kMaxRows, "noop");
  for (const char* name : {"fail", "nope"}) request.mutable_columns()->add_handlers(name);
  uint32_t fail = 0;
  uint32_t refused = 0;
  for (uint32_t i = 0; i < kMaxRows; ++i) {
    const uint32_t handler = i % 100 == 37 ? 1 : i % 100 == 90 ? 2 : 0;
    request.mutable_columns()->add_handler_indexes(handler);
    fail += handler == 1 ? 1 : 0;
    refused += handler == 2 ? 1 : 0;
  }
  std::thread writer([&] {
    for (uint32_t i = 0; i < kMessages; ++i) EXPECT_TRUE(stream->Write(request));
    stream->WritesDone();
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Run(Spec("noop")).ok());
  const v1::StreamTasksResponse answers = ReadMerged(*stream);
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  std::vector<uint32_t> answered(kMaxRows);
  for (const uint64_t tag : answers.columns().client_tags()) ++answered[tag];
  uint32_t failed_rows = 0;
  uint32_t refused_rows = 0;
  for (const v1::StreamTasksRow& row : answers.rows()) {
    ++answered[row.has_status() ? row.client_tag() : row.result().client_tag()];
    ++(row.has_status() ? refused_rows : failed_rows);
  }
  EXPECT_EQ(answered, std::vector<uint32_t>(kMaxRows, kMessages));
  EXPECT_EQ(failed_rows, kMessages * fail);
  EXPECT_EQ(refused_rows, kMessages * refused);
  EXPECT_EQ(Stats().tasks().succeeded(), kMessages * (kMaxRows - fail - refused) + 20);
}

// Within the messages, wherever that meets them.
TEST_P(FullColumnsTest, NothingIsLeftOfAStreamThatBreaks) {
  StartServer();
  for (int round = 0; round < 8; ++round) {
    grpc::ClientContext context;
    const auto stream = tasks_->StreamTasks(&context);
    std::thread writer([&] {
      while (stream->Write(Columns(kMaxRows, "noop"))) {
      }
    });
    const uint64_t wanted = Stats().tasks().accepted() + 1;
    AwaitStats([&](const auto& s) { return s.tasks().accepted() >= wanted; });
    context.TryCancel();
    writer.join();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_TRUE(Run(Spec("noop")).ok());
  EXPECT_EQ(Stats().promise_violations(), 0u);
}

// Two streams take turns at the one reader, and the daemon ends while they do.
TEST_P(FullColumnsTest, AFloodOfThemDelaysNoEnd) {
  StartServer();
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back([this] {
      grpc::ClientContext context;
      const auto stream = tasks_->StreamTasks(&context);
      std::thread reader([&] {
        v1::StreamTasksResponse answers;
        while (stream->Read(&answers)) {
        }
      });
      while (stream->Write(Columns(kMaxRows, "noop"))) {
      }
      reader.join();
      EXPECT_FALSE(stream->Finish().ok());
    });
  }
  AwaitStats([](const auto& s) { return s.tasks().succeeded() >= 4 * kMaxRows; });
  StopServer();
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(dispatcher_->in_flight(), 0u);
  EXPECT_EQ(dispatcher_->Snapshot().promise_violations, 0u);
}

INSTANTIATE_TEST_SUITE_P(Door, FullColumnsTest, testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Lent") : std::string("AtHome");
});

TEST_F(StreamCallTest, WhatColumnsHaveNoPlaceForComesAsARow) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  v1::StreamTasksRequest request = Columns(4, "noop");
  for (const char* name : {"nope", "fail"}) request.mutable_columns()->add_handlers(name);
  for (const uint32_t index : {0, 1, 2, 0}) request.mutable_columns()->add_handler_indexes(index);
  for (const auto priority :
       {v1::PRIORITY_LOW, v1::PRIORITY_LOW, v1::PRIORITY_LOW, v1::PRIORITY_HIGH}) {
    request.mutable_columns()->add_priorities(priority);
  }
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  const v1::StreamTasksResponse answers = ReadMerged(*stream);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answers.columns().count(), 2u);
  EXPECT_EQ(answers.columns().priorities_size(), 2);
  EXPECT_TRUE(answers.columns().output_bytes().empty());
  ASSERT_EQ(answers.rows_size(), 2);
  for (const v1::StreamTasksRow& row : answers.rows()) {
    if (row.has_status()) {
      EXPECT_EQ(row.client_tag(), 1u);
      EXPECT_EQ(row.status().code(), grpc::StatusCode::INVALID_ARGUMENT);
      const auto bad_request = DetailOf<google::rpc::BadRequest>(row.status());
      EXPECT_EQ(bad_request.field_violations(0).field(), "columns[1].handler");
    } else {
      EXPECT_EQ(row.result().client_tag(), 2u);
      EXPECT_EQ(row.result().state(), v1::TASK_STATE_FAILED);
      EXPECT_EQ(row.result().priority(), v1::PRIORITY_LOW);
    }
  }
}

TEST_F(StreamCallTest, RowsAndColumnsMayFollowEachOther) {
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(stream->Write(Columns(10, "echo", "c")));
    ASSERT_TRUE(stream->Write(Rows(10, Spec("echo", "r"))));
  }
  stream->WritesDone();
  const v1::StreamTasksResponse answers = ReadMerged(*stream);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(answers.columns().outputs(), std::string(50, 'c'));
  EXPECT_EQ(answers.rows_size(), 50);
}

TEST_F(StreamCallTest, EndsTheCallAtColumnsThatDoNotFit) {
  StartServer();
  v1::StreamTasksRequest request = Columns(3, "noop");
  request.mutable_columns()->add_cores(1);
  grpc::Status status = StatusOfBytes(request.SerializeAsString());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "columns.cores");
  request = Columns(3, "noop");
  request.add_specs()->set_handler("noop");
  status = StatusOfBytes(request.SerializeAsString());
  EXPECT_EQ(status.error_message(), "specs has 1 rows beside columns; a message carries either");
  EXPECT_EQ(FieldOf(status), "specs");
  EXPECT_EQ(Stats().tasks().accepted(), 0u);
  EXPECT_EQ(Stats().tasks().refused(), 0u);
}

TEST_F(StreamCallTest, CancelsTheTasksOfColumnsWhenItBreaks) {
  StartServer();
  ASSERT_TRUE(Run(Spec("sleep", "1us")).ok());  // Its handler is known: they are admitted together.
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  ASSERT_TRUE(stream->Write(Columns(5, "sleep", "60s")));
  AwaitStats([](const auto& s) { return s.cores(0).started() == 5; });
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  const auto stats = AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_EQ(stats.tasks().cancelled(), 5u);
}

TEST_F(StreamCallTest, HoldsBoundedColumnsForAClientThatNeverReads) {
  rpc_options_.stream_bytes_max = 256 * 1024;
  rpc_options_.stream_message_bytes_max = 64 * 1024;
  rpc_options_.max_payload_bytes = 64 * 1024;  // Payloads in flight: four times as much.
  // More than the bounds on bytes let in: whoever comes beside the stream finds a place.
  core_options_.max_queue_depth = dispatch_options_.max_queue_depth = 10'000;
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  constexpr uint64_t kMessages = 2'000;
  std::thread writer([&stream] {
    const auto request = Columns(100, "echo", std::string(100, 'x'));
    for (uint64_t i = 0; i < kMessages && stream->Write(request); ++i) {
    }
  });
  AwaitStats([](const auto& s) { return s.tasks().accepted() >= 1'600; });
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(Run(Spec("noop")).ok());
  EXPECT_LT(Stats().tasks().accepted(), kMessages * 100 / 2);
  const Gauge& held = dispatcher_->stats().in_flight_bytes;
  EXPECT_LT(held.value(), 1024 * 1024);
  context.TryCancel();
  writer.join();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  AwaitStats([&](const auto& s) { return s.tasks().in_flight() == 0 && held.value() == 0; });
}

TEST_F(StreamCallTest, LargeOutputsOfColumnsAreCutIntoMessages) {
  rpc_options_.stream_message_bytes_max = 64 * 1024;
  StartServer();
  grpc::ClientContext context;
  const auto stream = tasks_->StreamTasks(&context);
  ASSERT_TRUE(stream->Write(Columns(50, "echo", std::string(10'000, 'x'))));
  stream->WritesDone();
  v1::StreamTasksResponse response;
  size_t bytes = 0;
  while (stream->Read(&response)) {
    EXPECT_LE(response.columns().outputs().size(), 64u * 1024);
    bytes += response.columns().outputs().size();
  }
  EXPECT_EQ(bytes, 500'000u);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamCallTest, RefusesAStreamBeyondTheBound) {
  rpc_options_.max_streams = 1;
  StartServer();
  grpc::ClientContext first_context;
  const auto first = tasks_->StreamTasks(&first_context);
  ASSERT_TRUE(first->Write(Rows(1, Spec("noop"))));
  v1::StreamTasksResponse response;
  ASSERT_TRUE(first->Read(&response));
  grpc::ClientContext second_context;
  const auto second = tasks_->StreamTasks(&second_context);
  const grpc::Status status = second->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(status).violations(0).subject(),
            "limits.max_streams");
  first->WritesDone();
  EXPECT_TRUE(first->Finish().ok());
  grpc::ClientContext third_context;
  const auto third = tasks_->StreamTasks(&third_context);
  third->WritesDone();
  EXPECT_TRUE(third->Finish().ok());
}

}  // namespace
}  // namespace weft
