#include "wire/column_wire.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "weft/v1/task_service.pb.h"

namespace weft {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using Columns = v1::ResultColumns;

static_assert(std::endian::native == std::endian::little, "the byte order on the wire");
static_assert(TaskResult::kNotTold == -1, "as the column says it");

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return static_cast<uint32_t>(field) << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t Bytes(int field) {
  return Tag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}
constexpr uint32_t kColumnsTag = Bytes(v1::StreamTasksResponse::kColumnsFieldNumber);
constexpr uint32_t kCountTag = Tag(Columns::kCountFieldNumber, WireFormatLite::WIRETYPE_VARINT);
static_assert(Bytes(Columns::kOffCoreNsFieldNumber) < 128, "each tag is one byte");

constexpr size_t kFewestRows = 32;
constexpr uint32_t kNormal = v1::PRIORITY_NORMAL;

size_t VarintBytes(size_t value) {
  return CodedOutputStream::VarintSize32(static_cast<uint32_t>(value));
}
size_t VarintBytes(const uint32_t* words, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += CodedOutputStream::VarintSize32(words[i]);
  return bytes;
}

class MeasureColumns {
 public:
  void Numbers(int /*field*/, const uint64_t* /*numbers*/, size_t count) {
    Length(count * sizeof(uint64_t));
  }
  void Words(int /*field*/, const uint32_t* words, size_t count) {
    Length(VarintBytes(words, count));
  }
  void Text(int /*field*/, std::string_view text) { Length(text.size()); }
  size_t bytes() const { return bytes_; }

 private:
  void Length(size_t bytes) { bytes_ += 1 + VarintBytes(bytes) + bytes; }

  size_t bytes_ = 0;
};

class WriteColumns {
 public:
  explicit WriteColumns(uint8_t* to) : to_(to) {}
  void Numbers(int field, const uint64_t* numbers, size_t count) {
    Copy(field, numbers, count * sizeof(uint64_t));
  }
  void Words(int field, const uint32_t* words, size_t count) {
    Length(field, VarintBytes(words, count));
    for (size_t i = 0; i < count; ++i) {
      to_ = CodedOutputStream::WriteVarint32ToArray(words[i], to_);
    }
  }
  void Text(int field, std::string_view text) { Copy(field, text.data(), text.size()); }
  uint8_t* end() const { return to_; }

 private:
  void Length(int field, size_t bytes) {
    to_ = CodedOutputStream::WriteTagToArray(Bytes(field), to_);
    to_ = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(bytes), to_);
  }
  void Copy(int field, const void* from, size_t bytes) {
    Length(field, bytes);
    std::memcpy(to_, from, bytes);
    to_ += bytes;
  }

  uint8_t* to_;
};

}  // namespace

void ResultColumns::Clear() {
  count_ = columns_bytes_ = 0;
  any_started_ = any_completed_ = any_suspended_ = 0;
  any_cpu_ = any_size_ = 0;
  any_off_core_ = any_priority_ = false;
  outputs_.clear();
}

void ResultColumns::Grow() {
  const size_t room = std::clamp<size_t>(2 * ids_.size(), kFewestRows, kMaxRows);
  for (Numbers* column :
       {&ids_, &tags_, &submitted_, &started_, &completed_, &suspended_, &off_core_}) {
    column->resize(room);
  }
  for (Words* column : {&cpus_, &priorities_, &sizes_}) column->resize(room);
}

void ResultColumns::Add(const TaskResult& result) {
  if (count_ == ids_.size()) [[unlikely]]
    Grow();
  const size_t i = count_++;
  ids_[i] = result.id.value();
  tags_[i] = result.client_tag;
  submitted_[i] = static_cast<uint64_t>(result.submitted_at_ns);
  any_started_ |= started_[i] = static_cast<uint64_t>(result.started_at_ns);
  any_completed_ |= completed_[i] = static_cast<uint64_t>(result.completed_at_ns);
  any_suspended_ |= suspended_[i] = static_cast<uint64_t>(result.suspended_ns);
  off_core_[i] = static_cast<uint64_t>(result.off_core_ns);
  any_off_core_ |= result.off_core_ns != TaskResult::kNotTold;
  any_cpu_ |= cpus_[i] = result.cpu;
  // The enumerators begin one later on the wire (task_wire.cc).
  priorities_[i] = static_cast<uint32_t>(result.priority) + 1;
  any_priority_ |= priorities_[i] != kNormal;
  any_size_ |= sizes_[i] = static_cast<uint32_t>(result.output.size());
  if (!result.output.empty()) outputs_.append(result.output);
}

void ResultColumns::Add(const PlainResults& results) {
  while (count_ + results.each.size() > ids_.size()) Grow();
  const uint32_t priority = static_cast<uint32_t>(results.priority) + 1;
  any_started_ = any_completed_ = 1;
  any_cpu_ |= results.cpu;
  any_priority_ |= priority != kNormal;
  for (const PlainResult& result : results.each) {
    const size_t i = count_++;
    ids_[i] = result.id.value();
    tags_[i] = result.client_tag;
    submitted_[i] = static_cast<uint64_t>(result.submitted_at_ns);
    started_[i] = static_cast<uint64_t>(result.started_at_ns);
    completed_[i] = static_cast<uint64_t>(result.completed_at_ns);
    suspended_[i] = 0;
    off_core_[i] = static_cast<uint64_t>(TaskResult::kNotTold);
    cpus_[i] = results.cpu;
    priorities_[i] = priority;
    any_size_ |= sizes_[i] = static_cast<uint32_t>(result.output.size());
    if (!result.output.empty()) outputs_.append(result.output);
  }
}

// In the order of the field numbers.
template <class Sink>
void ResultColumns::Visit(Sink& sink) const {
  const auto numbers = [&](int field, const Numbers& column) {
    sink.Numbers(field, column.data(), count_);
  };
  const auto words = [&](int field, const Words& column) {
    sink.Words(field, column.data(), count_);
  };
  numbers(Columns::kTaskIdsFieldNumber, ids_);
  numbers(Columns::kClientTagsFieldNumber, tags_);
  if (any_size_ != 0) {
    sink.Text(Columns::kOutputsFieldNumber, outputs_);
    words(Columns::kOutputBytesFieldNumber, sizes_);
  }
  numbers(Columns::kSubmittedAtNsFieldNumber, submitted_);
  if (any_started_ != 0) numbers(Columns::kStartedAtNsFieldNumber, started_);
  if (any_completed_ != 0) numbers(Columns::kCompletedAtNsFieldNumber, completed_);
  if (any_suspended_ != 0) numbers(Columns::kSuspendedNsFieldNumber, suspended_);
  if (any_cpu_ != 0) words(Columns::kCoresFieldNumber, cpus_);
  if (any_priority_) words(Columns::kPrioritiesFieldNumber, priorities_);
  if (any_off_core_) numbers(Columns::kOffCoreNsFieldNumber, off_core_);
}

size_t ResultColumns::Measure() {
  MeasureColumns measure;
  Visit(measure);
  columns_bytes_ = 1 + VarintBytes(count_) + measure.bytes();
  return 1 + VarintBytes(columns_bytes_) + columns_bytes_;
}

uint8_t* ResultColumns::Write(uint8_t* to) const {
  to = CodedOutputStream::WriteTagToArray(kColumnsTag, to);
  to = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(columns_bytes_), to);
  to = CodedOutputStream::WriteTagToArray(kCountTag, to);
  to = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(count_), to);
  WriteColumns write(to);
  Visit(write);
  return write.end();
}

}  // namespace weft
