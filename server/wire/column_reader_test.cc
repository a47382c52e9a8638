// Columns read as specs are what ReadTaskSpec makes of the same tasks as rows, accepted and refused
// alike, and columns that do not fit each other are refused by name.
#include "wire/column_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "task/limits.h"
#include "wire/row_reader.h"
#include "wire/task_wire.h"

namespace weft {
namespace {

std::string Told(const std::optional<Refusal>& refusal, const TaskSpec& spec) {
  const testing::Message told = testing::Message() << spec.client_tag << '|';
  if (refusal) return (testing::Message() << told << refusal->message).GetString();
  return (testing::Message() << told << std::string(spec.handler) << '|'
                             << std::string(spec.payload) << '|' << static_cast<int>(spec.priority)
                             << '|' << static_cast<int>(spec.io_priority) << '|' << spec.timeout_ns
                             << '|' << (spec.cpu ? std::to_string(*spec.cpu) : "any"))
      .GetString();
}

class ColumnReaderTest : public ::testing::Test {
 protected:
  // "": nothing is wrong with the columns as a whole.
  std::string Wrong(const v1::TaskColumns& columns) {
    reader_.Clear();
    EXPECT_TRUE(reader_.Add(columns.SerializeAsString()));
    const auto refusal = reader_.Check();
    if (!refusal) return "";
    EXPECT_EQ(refusal->message.find(refusal->field), 0u);
    return refusal->message;
  }
  std::vector<std::string> Tasks(const v1::TaskColumns& columns) {
    EXPECT_EQ(Wrong(columns), "");
    reader_.TakePayloads(&payloads_);
    std::vector<std::string> told;
    while (told.size() < reader_.count()) told.push_back(Next());
    EXPECT_EQ(TasksAlikeAtOnce(columns), told);
    return told;
  }
  std::string Next() {
    TaskSpec spec;
    const auto refusal = reader_.Next("columns[i]", &spec);
    return Told(refusal, spec);
  }
  // The same tasks, those that are alike at once, some of them after a look that came to nothing.
  std::vector<std::string> TasksAlikeAtOnce(const v1::TaskColumns& columns) {
    EXPECT_EQ(Wrong(columns), "");
    reader_.TakePayloads(&payloads_);
    std::vector<std::string> told;
    std::vector<ColumnReader::Own> own(4);
    for (int look = 0; told.size() < reader_.count(); ++look) {
      TaskSpec spec;
      const size_t count = reader_.PeekAlike(&spec, own);
      most_alike_ = std::max(most_alike_, count);
      if (count == 0 || look % 4 == 3) {
        told.push_back(Next());
        continue;
      }
      const auto alike = std::span(own).first(count);
      for (const ColumnReader::Own& task : alike) {
        spec.payload = task.payload;
        spec.client_tag = task.client_tag;
        told.push_back(Told(std::nullopt, spec));
      }
      reader_.Skip(alike);
    }
    return told;
  }

  size_t most_alike_ = 0;
  std::string payloads_;
  ColumnReader reader_;  // One for all messages of a test, as in the daemon.
};

v1::TaskColumns Noops(uint32_t count) {
  v1::TaskColumns columns;
  columns.set_count(count);
  columns.add_handlers("noop");
  return columns;
}

TEST_F(ColumnReaderTest, AbsentColumnsMeanDefaults) {
  const std::vector<std::string> tasks = Tasks(Noops(2));
  EXPECT_EQ(tasks, std::vector<std::string>(2, "0|noop||1|1|0|any"));
}

TEST_F(ColumnReaderTest, TasksAreAlikeUpToTheFirstThatDiffers) {
  v1::TaskColumns columns = Noops(5);
  columns.add_handlers("echo");
  for (const uint32_t bytes : {1, 0, 2, 1, 1}) columns.add_payload_bytes(bytes);
  columns.set_payloads("abbcd");
  for (const uint64_t tag : {7, 8, 9, 10, 11}) columns.add_client_tags(tag);
  Tasks(columns);
  EXPECT_EQ(most_alike_, 4u);  // As many as there was room for.
  for (const uint32_t index : {0, 0, 0, 1, 1}) columns.add_handler_indexes(index);
  most_alike_ = 0;
  Tasks(columns);
  EXPECT_EQ(most_alike_, 3u);
  for (const auto priority : {v1::PRIORITY_LOW, v1::PRIORITY_LOW, v1::PRIORITY_HIGH,
                              v1::PRIORITY_HIGH, v1::PRIORITY_NORMAL}) {
    columns.add_priorities(priority);
  }
  most_alike_ = 0;
  Tasks(columns);
  EXPECT_EQ(most_alike_, 2u);
  for (int i = 0; i < 5; ++i) columns.add_io_priorities(static_cast<v1::Priority>(1 + i % 3));
  most_alike_ = 0;
  Tasks(columns);
  EXPECT_EQ(most_alike_, 1u);
}

TEST_F(ColumnReaderTest, NoneAreAlikeThatNameATimeoutOrACore) {
  v1::TaskColumns with_timeouts = Noops(2);
  for (int i = 0; i < 2; ++i) with_timeouts.add_timeouts_ns(1'000'000);
  Tasks(with_timeouts);
  EXPECT_EQ(most_alike_, 0u);
  v1::TaskColumns with_cores = Noops(2);
  for (int i = 0; i < 2; ++i) with_cores.add_cores(0);
  Tasks(with_cores);
  EXPECT_EQ(most_alike_, 0u);
}

// Whatever each field holds, also what is refused.
TEST_F(ColumnReaderTest, SaysWhatRowsSay) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto below = [&random](uint32_t end) { return static_cast<uint32_t>(random() % end); };
  for (int round = 0; round < 300; ++round) {
    const uint32_t count = 1 + below(20);
    v1::TaskColumns columns;
    columns.set_count(count);
    for (const char* name : {"noop", "", "echo"}) columns.add_handlers(name);
    columns.add_handlers(std::string(65, 'h'));
    std::vector<v1::TaskSpec> rows(count);
    const uint64_t present = random();
    for (uint32_t i = 0; i < count; ++i) {
      v1::TaskSpec& row = rows[i];
      row.set_handler("noop");
      if (present & 1) {
        columns.add_handler_indexes(below(4));
        row.set_handler(
            columns.handlers(static_cast<int>(columns.handler_indexes(static_cast<int>(i)))));
      }
      if (present & 2) {
        row.set_payload(std::string(below(40), static_cast<char>('a' + i)));
        columns.mutable_payloads()->append(row.payload());
        columns.add_payload_bytes(static_cast<uint32_t>(row.payload().size()));
      }
      if (present & 4) {
        row.set_priority(static_cast<v1::Priority>(below(5)));
        columns.add_priorities(row.priority());
      }
      if (present & 8) {
        row.set_timeout_ns(static_cast<int32_t>(random()));
        columns.add_timeouts_ns(row.timeout_ns());
      }
      if (present & 16) {
        row.set_core(below(3));
        columns.add_cores(row.core());
      }
      if (present & 32) {
        row.set_client_tag(random());
        columns.add_client_tags(row.client_tag());
      }
      if (present & 64) {
        row.set_io_priority(static_cast<v1::Priority>(below(5)));
        columns.add_io_priorities(row.io_priority());
      }
    }
    std::vector<std::string> expected;
    for (const v1::TaskSpec& row : rows) {
      TaskSpec spec;
      std::string labels;
      const auto refusal = ReadTaskSpec(row, "columns[i]", &labels, &spec);
      spec.client_tag = row.client_tag();
      expected.push_back(Told(refusal, spec));
    }
    EXPECT_EQ(Tasks(columns), expected);
  }
}

TEST_F(ColumnReaderTest, NamesTheColumnThatDoesNotFit) {
  EXPECT_EQ(Wrong(Noops(0)), "columns.count is 0; a message carries 1 to 1024");
  EXPECT_EQ(Wrong(Noops(1025)), "columns.count is 1025; a message carries 1 to 1024");
  EXPECT_EQ(Wrong(Noops(1024)), "");
  v1::TaskColumns columns = Noops(3);
  columns.clear_handlers();
  EXPECT_EQ(Wrong(columns), "columns.handlers has 0 names; 1 to 256 are allowed");
  for (int i = 0; i < 257; ++i) columns.add_handlers("noop");
  EXPECT_EQ(Wrong(columns), "columns.handlers has 257 names; 1 to 256 are allowed");
  columns = Noops(3);
  for (const uint32_t index : {0, 1, 0}) columns.add_handler_indexes(index);
  EXPECT_EQ(Wrong(columns),
            "columns.handler_indexes has a 1; columns.handlers has 1 names, from 0");
  columns = Noops(3);
  columns.set_payloads("abc");
  EXPECT_EQ(Wrong(columns), "columns.payload_bytes come to 0; columns.payloads has 3 bytes");
  for (const uint32_t bytes : {1U, 4'294'967'295U, 3U}) columns.add_payload_bytes(bytes);
  EXPECT_EQ(Wrong(columns),
            "columns.payload_bytes come to 4294967299; columns.payloads has 3 bytes");
}

TEST_F(ColumnReaderTest, NamesTheColumnOfAnotherLength) {
  const auto wrong = [this](auto add) {
    v1::TaskColumns columns = Noops(3);
    add(columns);
    return Wrong(columns);
  };
  const std::string rest = " has 1 entries; it takes 3, one for each task, or none";
  EXPECT_EQ(wrong([](auto& c) { c.add_handler_indexes(0); }), "columns.handler_indexes" + rest);
  EXPECT_EQ(wrong([](auto& c) { c.add_payload_bytes(0); }), "columns.payload_bytes" + rest);
  EXPECT_EQ(wrong([](auto& c) { c.add_priorities(v1::PRIORITY_LOW); }),
            "columns.priorities" + rest);
  EXPECT_EQ(wrong([](auto& c) { c.add_timeouts_ns(0); }), "columns.timeouts_ns" + rest);
  EXPECT_EQ(wrong([](auto& c) { c.add_cores(0); }), "columns.cores" + rest);
  EXPECT_EQ(wrong([](auto& c) { c.add_client_tags(0); }), "columns.client_tags" + rest);
  EXPECT_EQ(wrong([](auto& c) { c.add_io_priorities(v1::PRIORITY_LOW); }),
            "columns.io_priorities" + rest);
}

TEST_F(ColumnReaderTest, AFieldThatComesInPartsIsMerged) {
  v1::TaskColumns first = Noops(1);
  first.add_client_tags(7);
  v1::TaskColumns second;
  second.set_count(2);
  second.add_client_tags(8);
  v1::StreamTasksRequest request;
  *request.mutable_columns() = first;
  std::string bytes = request.SerializeAsString();
  *request.mutable_columns() = second;
  bytes += request.SerializeAsString();
  RowReader reader;
  ASSERT_TRUE(reader.Read(bytes));
  EXPECT_EQ(reader.count(), 0u);
  ASSERT_TRUE(reader.columns().is_present());
  ASSERT_FALSE(reader.columns().Check());
  ASSERT_EQ(reader.columns().count(), 2u);
  reader.columns().TakePayloads(&payloads_);
  for (const uint64_t tag : {7u, 8u}) {
    TaskSpec spec;
    EXPECT_FALSE(reader.columns().Next("columns[i]", &spec));
    EXPECT_EQ(spec.client_tag, tag);
  }
  ASSERT_TRUE(reader.Read(""));
  EXPECT_FALSE(reader.columns().is_present());
}

TEST_F(ColumnReaderTest, AFloodOfHandlersOrPartsIsRefusedWithoutBeingRead) {
  std::string flood;
  for (int i = 0; i < 1'000'000; ++i) flood += std::string("\x12\x00", 2);
  reader_.Clear();
  EXPECT_TRUE(reader_.Add(flood));
  EXPECT_EQ(reader_.Check()->message, "columns.handlers has 1000000 names; 1 to 256 are allowed");
  reader_.Clear();
  for (int part = 0; part < 64; ++part) EXPECT_TRUE(reader_.Add(""));
  EXPECT_FALSE(reader_.Add(""));
}

TEST_F(ColumnReaderTest, WhatIsCutOffIsNoMessage) {
  v1::TaskColumns columns = Noops(3);
  columns.set_payloads("abc");
  const std::string bytes = columns.SerializeAsString();
  EXPECT_FALSE(reader_.Add(bytes.substr(0, bytes.size() - 1)));
}

}  // namespace
}  // namespace weft
