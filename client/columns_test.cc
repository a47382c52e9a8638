#include "client/columns.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/fake_daemon.h"
#include "weft/client.h"

// Proves that rows become columns exactly when columns have a place for all that they say, that
// results come out whole, and that whoever uses a stream sees only rows.
namespace weft {
namespace {

v1::StreamTasksRequest Rows(int count) {
  v1::StreamTasksRequest request;
  for (int i = 0; i < count; ++i) {
    v1::TaskSpec* const spec = request.add_specs();
    spec->set_handler(i % 3 == 0 ? "echo" : "crc32c");
    spec->set_payload(std::string(static_cast<size_t>(i), 'x'));
    spec->set_client_tag(static_cast<uint64_t>(i) + 100);
  }
  return request;
}

TEST(Columns, SayAllThatRowsSay) {
  v1::StreamTasksRequest request = Rows(8);
  request.mutable_specs(3)->set_priority(v1::PRIORITY_HIGH);
  request.mutable_specs(4)->set_io_priority(v1::PRIORITY_LOW);
  request.mutable_specs(5)->set_timeout_ns(7);
  ASSERT_TRUE(MakeColumns(&request));
  EXPECT_TRUE(request.specs().empty());
  const v1::TaskColumns& columns = request.columns();
  EXPECT_EQ(columns.count(), 8U);
  ASSERT_EQ(columns.handlers_size(), 2);
  EXPECT_EQ(columns.handlers(0), "echo");
  EXPECT_EQ(columns.handlers(1), "crc32c");
  const std::vector<uint32_t> indexes(columns.handler_indexes().begin(),
                                      columns.handler_indexes().end());
  EXPECT_EQ(indexes, (std::vector<uint32_t>{0, 1, 1, 0, 1, 1, 0, 1}));
  EXPECT_EQ(columns.payloads().size(), 28U);
  EXPECT_EQ(columns.payload_bytes(7), 7U);
  EXPECT_EQ(columns.priorities(3), v1::PRIORITY_HIGH);
  EXPECT_EQ(columns.priorities(4), v1::PRIORITY_UNSPECIFIED);
  EXPECT_EQ(columns.io_priorities(4), v1::PRIORITY_LOW);
  EXPECT_EQ(columns.timeouts_ns(5), 7);
  EXPECT_EQ(columns.client_tags(7), 107U);
  EXPECT_TRUE(columns.cores().empty());
}

TEST(Columns, AColumnOfDefaultsIsAbsent) {
  v1::StreamTasksRequest request;
  for (uint64_t tag = 0; tag < 4; ++tag) {
    request.add_specs()->set_handler("noop");
    request.mutable_specs(static_cast<int>(tag))->set_client_tag(tag);
  }
  ASSERT_TRUE(MakeColumns(&request));
  v1::TaskColumns expected;
  expected.set_count(4);
  expected.add_handlers("noop");
  for (uint64_t tag = 0; tag < 4; ++tag) expected.add_client_tags(tag);
  EXPECT_EQ(request.columns().SerializeAsString(), expected.SerializeAsString());
}

TEST(Columns, WhatTheyHaveNoPlaceForStaysRows) {
  const auto stays = [](v1::StreamTasksRequest request) {
    const std::string before = request.SerializeAsString();
    return !MakeColumns(&request) && request.SerializeAsString() == before;
  };
  EXPECT_TRUE(stays({}));
  v1::StreamTasksRequest request = Rows(8);
  request.mutable_specs(7)->set_affinity_key("tenant");
  EXPECT_TRUE(stays(request));
  request = Rows(8);
  (*request.mutable_specs(7)->mutable_labels())["a"] = "b";
  EXPECT_TRUE(stays(request));
  request = Rows(8);
  request.mutable_specs(7)->set_core(0);
  EXPECT_TRUE(stays(request)) << "core 0 is not any core";
  for (v1::TaskSpec& spec : *request.mutable_specs()) spec.set_core(2);
  EXPECT_FALSE(stays(request));
  request = Rows(300);
  for (int i = 0; i < 300; ++i) request.mutable_specs(i)->set_handler("h" + std::to_string(i));
  EXPECT_TRUE(stays(request)) << "of more handlers than a message may name";
}

TEST(Columns, FewTasksStayRows) {
  v1::StreamTasksRequest request = Rows(kFewestColumns - 1);
  PreferColumns(&request);
  EXPECT_FALSE(request.has_columns());
  request = Rows(kFewestColumns);
  PreferColumns(&request);
  EXPECT_TRUE(request.has_columns());
}

TEST(Columns, ResultsComeOutWhole) {
  v1::ResultColumns columns;
  columns.set_count(2);
  for (const uint32_t i : {0U, 1U}) {
    columns.add_task_ids(10 + i);
    columns.add_client_tags(20 + i);
    columns.add_output_bytes(i + 1);
    columns.add_submitted_at_ns(1'000);
    columns.add_started_at_ns(1'100 + i);
    columns.add_completed_at_ns(1'300 + i);
    columns.add_suspended_ns(i);
    columns.add_cores(5);
    columns.add_priorities(v1::PRIORITY_LOW);
    columns.add_off_core_ns(i == 0 ? -1 : 0);
  }
  columns.set_outputs("abc");
  ASSERT_TRUE(IsWellFormed(columns));
  std::vector<v1::TaskResult> results;
  ForEachResult(columns, [&](v1::TaskResult&& result) { results.push_back(std::move(result)); });
  ASSERT_EQ(results.size(), 2U);
  const v1::TaskResult& second = results[1];
  EXPECT_EQ(second.task_id(), 11U);
  EXPECT_EQ(second.client_tag(), 21U);
  EXPECT_EQ(second.state(), v1::TASK_STATE_SUCCEEDED);
  EXPECT_TRUE(second.success());
  EXPECT_EQ(second.output(), "bc");
  EXPECT_EQ(second.queue_latency_ns(), 101);
  EXPECT_EQ(second.execution_latency_ns(), 200);
  EXPECT_EQ(second.total_latency_ns(), 301);
  EXPECT_EQ(second.suspended_ns(), 1);
  EXPECT_EQ(second.core(), 5U);
  EXPECT_EQ(second.priority(), v1::PRIORITY_LOW);
  EXPECT_EQ(second.attempts(), 1U);
  EXPECT_TRUE(second.has_off_core_ns());
  EXPECT_EQ(results[0].output(), "a");
  EXPECT_FALSE(results[0].has_off_core_ns());
}

TEST(Columns, WithoutTimesTheLatenciesAreZero) {
  v1::ResultColumns columns;
  columns.set_count(1);
  columns.add_submitted_at_ns(1'000);
  v1::TaskResult result;
  ReadColumns(columns, 0, 0, &result);
  EXPECT_EQ(result.submitted_at_ns(), 1'000);
  EXPECT_EQ(result.total_latency_ns(), 0);
  EXPECT_EQ(result.priority(), v1::PRIORITY_NORMAL);
}

TEST(Columns, OnesThatDoNotFitEachOtherAreNotRead) {
  v1::ResultColumns columns;
  EXPECT_TRUE(IsWellFormed(columns));
  columns.set_count(1'025);
  EXPECT_FALSE(IsWellFormed(columns));
  columns.set_count(2);
  columns.add_cores(1);
  EXPECT_FALSE(IsWellFormed(columns));
  columns.add_cores(1);
  EXPECT_TRUE(IsWellFormed(columns));
  columns.add_output_bytes(1);
  columns.add_output_bytes(1);
  columns.set_outputs("abc");
  EXPECT_FALSE(IsWellFormed(columns));
}

// As a user of the library meets them.
class ColumnStreamTest : public testing::Test {
 protected:
  // Sends so many in one message, for what is gathered before the call has begun leaves together.
  std::unique_ptr<TaskStream> Send(const std::string& handler, uint64_t count) {
    auto stream = *client_->OpenStream({.window = count});
    for (uint64_t tag = 0; tag < count; ++tag) {
      v1::TaskSpec spec;
      spec.set_handler(handler);
      spec.set_payload(std::to_string(tag));
      spec.set_client_tag(tag);
      EXPECT_TRUE(stream->Send(spec).ok());
    }
    return stream;
  }

  FakeDaemon daemon_;
  std::unique_ptr<Client> client_ = *Client::Create({.target = daemon_.target()});
};

TEST_F(ColumnStreamTest, TravelAsColumnsAndAreSeenAsRows) {
  const auto stream = Send("echo", 50);
  for (uint64_t i = 0; i < 50; ++i) {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    EXPECT_EQ(row->client_tag(), row->result().client_tag());
    EXPECT_EQ(row->result().output(), std::to_string(row->client_tag()));
    EXPECT_TRUE(RowStatus(*row).ok());
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(daemon_.tasks_in_columns, 50);
}

TEST_F(ColumnStreamTest, AFailureComesAsARow) {
  const auto stream = Send("fail", 50);
  for (uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(stream->Next()->result().state(), v1::TASK_STATE_FAILED);
  }
  EXPECT_EQ(daemon_.tasks_in_columns, 50);
}

TEST_F(ColumnStreamTest, EndsWhenTheDaemonsColumnsDoNotFit) {
  const auto stream = Send("lie", 50);
  EXPECT_EQ(stream->Next().status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace weft
