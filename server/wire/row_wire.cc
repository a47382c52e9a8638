#include "wire/row_wire.h"

#include <cstring>
#include <string_view>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "weft/v1/task_service.pb.h"

namespace weft {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using Row = v1::StreamTasksRow;
using Result = v1::TaskResult;
using Error = v1::TaskError;

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return static_cast<uint32_t>(field) << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t Fixed(int field) { return Tag(field, WireFormatLite::WIRETYPE_FIXED64); }
constexpr uint32_t Varint(int field) { return Tag(field, WireFormatLite::WIRETYPE_VARINT); }
constexpr uint32_t Bytes(int field) {
  return Tag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

constexpr size_t TagBytes(uint32_t tag) { return tag < 128 ? 1 : 2; }
static_assert(Bytes(Result::kPriorityFieldNumber) < 128 && Result::kOffCoreNsFieldNumber < 2048);

size_t VarintBytes(uint32_t value) { return CodedOutputStream::VarintSize32(value); }

// A field that holds its default is not written.
class Measure {
 public:
  void Fixed64(uint32_t tag, uint64_t value) { bytes_ += value == 0 ? 0 : TagBytes(tag) + 8; }
  void PresentFixed64(uint32_t tag, uint64_t /*value*/) { bytes_ += TagBytes(tag) + 8; }
  void Uint32(uint32_t tag, uint32_t value) {
    bytes_ += value == 0 ? 0 : TagBytes(tag) + VarintBytes(value);
  }
  void Text(uint32_t tag, std::string_view value) {
    if (!value.empty()) Message(tag, static_cast<uint32_t>(value.size()));
  }
  void Message(uint32_t tag, uint32_t size) { bytes_ += TagBytes(tag) + VarintBytes(size) + size; }
  uint32_t bytes() const { return static_cast<uint32_t>(bytes_); }

 private:
  size_t bytes_ = 0;
};

class Write {
 public:
  explicit Write(uint8_t* to) : to_(to) {}
  void Fixed64(uint32_t tag, uint64_t value) {
    if (value != 0) PresentFixed64(tag, value);
  }
  // Also when it is 0.
  void PresentFixed64(uint32_t tag, uint64_t value) {
    PutTag(tag);
    to_ = CodedOutputStream::WriteLittleEndian64ToArray(value, to_);
  }
  void Uint32(uint32_t tag, uint32_t value) {
    if (value == 0) return;
    PutTag(tag);
    to_ = CodedOutputStream::WriteVarint32ToArray(value, to_);
  }
  void Text(uint32_t tag, std::string_view value) {
    if (value.empty()) return;
    Message(tag, static_cast<uint32_t>(value.size()));
    std::memcpy(to_, value.data(), value.size());
    to_ += value.size();
  }
  // What follows is the message's.
  void Message(uint32_t tag, uint32_t size) {
    PutTag(tag);
    to_ = CodedOutputStream::WriteVarint32ToArray(size, to_);
  }
  uint8_t* end() const { return to_; }

 private:
  void PutTag(uint32_t tag) { to_ = CodedOutputStream::WriteTagToArray(tag, to_); }

  uint8_t* to_;
};

template <class Sink>
void VisitError(const TaskResult& result, Sink& sink) {
  sink.Uint32(Varint(Error::kCodeFieldNumber), static_cast<uint32_t>(result.error_code));
  sink.Text(Bytes(Error::kMessageFieldNumber), result.error_message);
}

// In the order of the field numbers. The enumerators begin one later on the wire (task_wire.cc).
template <class Sink, class InnerError>
void VisitResult(const TaskResult& result, Sink& sink, InnerError inner_error) {
  const auto fixed = [&sink](int field, int64_t value) {
    sink.Fixed64(Fixed(field), static_cast<uint64_t>(value));
  };
  sink.Fixed64(Fixed(Result::kTaskIdFieldNumber), result.id.value());
  sink.Fixed64(Fixed(Result::kClientTagFieldNumber), result.client_tag);
  sink.Uint32(Varint(Result::kStateFieldNumber), static_cast<uint32_t>(result.state) + 1);
  sink.Uint32(Varint(Result::kSuccessFieldNumber), result.state == TaskState::kSucceeded ? 1 : 0);
  sink.Text(Bytes(Result::kOutputFieldNumber), result.output);
  if (result.error_code != TaskErrorCode::kNone) inner_error();
  fixed(Result::kSubmittedAtNsFieldNumber, result.submitted_at_ns);
  fixed(Result::kStartedAtNsFieldNumber, result.started_at_ns);
  fixed(Result::kCompletedAtNsFieldNumber, result.completed_at_ns);
  fixed(Result::kQueueLatencyNsFieldNumber, result.queue_latency_ns);
  fixed(Result::kExecutionLatencyNsFieldNumber, result.execution_latency_ns);
  fixed(Result::kSuspendedNsFieldNumber, result.suspended_ns);
  fixed(Result::kTotalLatencyNsFieldNumber, result.total_latency_ns);
  sink.Uint32(Varint(Result::kCoreFieldNumber), result.cpu);
  sink.Uint32(Varint(Result::kPriorityFieldNumber), static_cast<uint32_t>(result.priority) + 1);
  sink.Uint32(Varint(Result::kAttemptsFieldNumber), result.attempts);
  if (result.off_core_ns != TaskResult::kNotTold) [[unlikely]] {
    sink.PresentFixed64(Fixed(Result::kOffCoreNsFieldNumber),
                        static_cast<uint64_t>(result.off_core_ns));
  }
}

constexpr uint32_t kRowTag = Bytes(v1::StreamTasksResponse::kRowsFieldNumber);
constexpr uint32_t kClientTagTag = Fixed(Row::kClientTagFieldNumber);
constexpr uint32_t kResultTag = Bytes(Row::kResultFieldNumber);
constexpr uint32_t kErrorTag = Bytes(Result::kErrorFieldNumber);

}  // namespace

RowBytes MeasureRow(const TaskResult& result) {
  RowBytes bytes;
  Measure inner;
  VisitResult(result, inner, [&] {
    Measure error;
    VisitError(result, error);
    bytes.error = error.bytes();
    inner.Message(kErrorTag, bytes.error);
  });
  bytes.result = inner.bytes();
  Measure row;
  row.Fixed64(kClientTagTag, result.client_tag);
  row.Message(kResultTag, bytes.result);
  bytes.row = row.bytes();
  Measure whole;
  whole.Message(kRowTag, bytes.row);
  bytes.whole = whole.bytes();
  return bytes;
}

uint8_t* WriteRow(const TaskResult& result, const RowBytes& bytes, uint8_t* to) {
  Write write(to);
  write.Message(kRowTag, bytes.row);
  write.Fixed64(kClientTagTag, result.client_tag);
  write.Message(kResultTag, bytes.result);
  VisitResult(result, write, [&] {
    write.Message(kErrorTag, bytes.error);
    VisitError(result, write);
  });
  return write.end();
}

}  // namespace weft
