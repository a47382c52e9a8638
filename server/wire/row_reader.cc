#include "wire/row_reader.h"

#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

#include "google/protobuf/stubs/common.h"
#include "google/protobuf/wire_format_lite.h"
#include "task/labels.h"
#include "weft/v1/task_service.pb.h"
#include "wire/labels_wire.h"

namespace weft {
namespace {

using google::protobuf::internal::WireFormatLite;
using Spec = v1::TaskSpec;

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return static_cast<uint32_t>(field) << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t Fixed(int field) { return Tag(field, WireFormatLite::WIRETYPE_FIXED64); }
constexpr uint32_t Varint(int field) { return Tag(field, WireFormatLite::WIRETYPE_VARINT); }
constexpr uint32_t Bytes(int field) {
  return Tag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// Of a map's entry (https://protobuf.dev/programming-guides/encoding/#maps).
constexpr uint32_t kKeyTag = Bytes(1);
constexpr uint32_t kValueTag = Bytes(2);

// How deep messages and groups may be nested: protobuf's default. Each message is a level.
constexpr int kRequestDepth = 100;
constexpr int kSpecDepth = kRequestDepth - 1;
constexpr int kEntryDepth = kSpecDepth - 1;

// What has been read of a message. Each function returns where the bytes go on; null when they are
// no message, which is handed on. Bits beyond what a number holds are dropped.
using Place = const char*;
static_assert(std::endian::native == std::endian::little, "the byte order on the wire");

constexpr int kTagBytesMax = 5;
constexpr int kLengthBytesMax = 5;
constexpr int kNumberBytesMax = 10;

template <int bytes_max>
Place ReadLongVarint(Place at, Place end, uint64_t* value) {
  uint64_t read = 0;
  for (int i = 0; i < bytes_max && at != end; ++i) {
    const auto byte = static_cast<uint8_t>(*at++);
    read |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *value = read;
      return at;
    }
  }
  return nullptr;
}

template <int bytes_max>
Place ReadVarint(Place at, Place end, uint64_t* value) {
  if (at == end || static_cast<uint8_t>(*at) >= 0x80) [[unlikely]] {
    uint64_t read = 0;
    at = ReadLongVarint<bytes_max>(at, end, &read);
    *value = read;
    return at;
  }
  *value = static_cast<uint8_t>(*at);
  return at + 1;
}

Place ReadTag(Place at, Place end, uint32_t* tag) {
  uint64_t value = 0;
  at = ReadVarint<kTagBytesMax>(at, end, &value);
  *tag = static_cast<uint32_t>(value);
  return at;
}

Place ReadBytes(Place at, Place end, std::string_view* bytes) {
  uint64_t length = 0;
  at = ReadVarint<kLengthBytesMax>(at, end, &length);
  if (at == nullptr || length > static_cast<size_t>(end - at)) return nullptr;
  *bytes = {at, static_cast<size_t>(length)};
  return at + length;
}

template <class Number>
Place ReadFixed(Place at, Place end, Number* number) {
  if (static_cast<size_t>(end - at) < sizeof(Number)) return nullptr;
  std::memcpy(number, at, sizeof(Number));
  return at + sizeof(Number);
}

template <class Word>
bool HasHighBits(Place at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return (word & static_cast<Word>(0x8080808080808080)) != 0;
}

// Nearly all text is ASCII, and most of it short.
bool IsAscii(std::string_view text) {
  const Place begin = text.data();
  const size_t size = text.size();
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (HasHighBits<uint64_t>(begin + i)) return false;
    }
    return !HasHighBits<uint64_t>(begin + size - 8);
  }
  if (size >= 4) {
    return !HasHighBits<uint32_t>(begin) && !HasHighBits<uint32_t>(begin + size - 4);
  }
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

Place ReadText(Place at, Place end, std::string_view* text) {
  at = ReadBytes(at, end, text);
  if (at == nullptr || IsAscii(*text)) return at;
  const auto size = static_cast<int>(text->size());
  return google::protobuf::internal::IsStructurallyValidUTF8(text->data(), size) ? at : nullptr;
}

Place SkipGroup(uint32_t start, Place at, Place end, int depth);

// A field that is not known, after its tag.
Place SkipField(uint32_t tag, Place at, Place end, int depth) {
  if (WireFormatLite::GetTagFieldNumber(tag) == 0) return nullptr;
  uint64_t number = 0;
  uint32_t half = 0;
  std::string_view bytes;
  switch (WireFormatLite::GetTagWireType(tag)) {
    case WireFormatLite::WIRETYPE_VARINT:
      return ReadVarint<kNumberBytesMax>(at, end, &number);
    case WireFormatLite::WIRETYPE_FIXED64:
      return ReadFixed(at, end, &number);
    case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
      return ReadBytes(at, end, &bytes);
    case WireFormatLite::WIRETYPE_START_GROUP:
      return SkipGroup(tag, at, end, depth);
    case WireFormatLite::WIRETYPE_FIXED32:
      return ReadFixed(at, end, &half);
    default:
      return nullptr;  // The end of a group that has not begun, or no type at all.
  }
}

Place SkipGroup(uint32_t start, Place at, Place end, int depth) {
  const uint32_t stop =
      start - WireFormatLite::WIRETYPE_START_GROUP + WireFormatLite::WIRETYPE_END_GROUP;
  if (depth == 0) return nullptr;
  while (at != nullptr) {
    uint32_t tag = 0;
    at = ReadTag(at, end, &tag);
    if (at == nullptr || tag == stop) return at;
    at = SkipField(tag, at, end, depth - 1);
  }
  return nullptr;
}

bool ReadLabel(std::string_view entry, Label* label) {
  Place at = entry.data();
  const Place end = at + entry.size();
  while (at != end) {
    uint32_t tag = 0;
    at = ReadTag(at, end, &tag);
    if (at == nullptr) return false;
    if (tag == kKeyTag) {
      at = ReadText(at, end, &label->key);
    } else if (tag == kValueTag) {
      at = ReadText(at, end, &label->value);
    } else {
      at = SkipField(tag, at, end, kEntryDepth);
    }
    if (at == nullptr) return false;
  }
  return true;
}

// The labels of one row, each key once, of which the last value holds.
class LabelPairs {
 public:
  // False: there are kMaxLabels others.
  bool Add(const Label& label) {
    const auto is_it = [&label](const Label& other) { return other.key == label.key; };
    const auto end = pairs_.begin() + static_cast<ptrdiff_t>(count_);
    const auto found = std::find_if(pairs_.begin(), end, is_it);
    if (found != end) {
      found->value = label.value;
      return true;
    }
    if (count_ == kMaxLabels) return false;
    pairs_[count_++] = label;
    return true;
  }
  std::span<Label> pairs() { return std::span(pairs_).first(count_); }

 private:
  std::array<Label, kMaxLabels> pairs_;
  size_t count_ = 0;
};

// row was read before, so it holds what it should. False: it has more than kMaxLabels.
bool GatherLabels(std::string_view row, LabelPairs* pairs) {
  Place at = row.data();
  const Place end = at + row.size();
  while (at != end) {
    uint32_t tag = 0;
    at = ReadTag(at, end, &tag);
    if (tag != Bytes(Spec::kLabelsFieldNumber)) {
      at = SkipField(tag, at, end, kSpecDepth);
      continue;
    }
    std::string_view entry;
    at = ReadBytes(at, end, &entry);
    Label label;
    (void)ReadLabel(entry, &label);
    if (!pairs->Add(label)) return false;
  }
  return true;
}

}  // namespace

bool RowReader::Read(std::string_view bytes) {
  static_assert(std::is_trivially_destructible_v<Row>);
  count_ = 0;
  columns_.Clear();
  Place at = bytes.data();
  const Place end = at + bytes.size();
  while (at != end) {
    uint32_t tag = 0;
    at = ReadTag(at, end, &tag);
    if (at == nullptr) return false;
    if (tag == Bytes(v1::StreamTasksRequest::kSpecsFieldNumber)) [[likely]] {
      std::string_view row;
      at = ReadBytes(at, end, &row);
      if (at == nullptr) return false;
      // No braces: they would zero all of it first, which takes as long as the rest.
      Row* const next = new (&rows_[std::min(count_, kMaxRows)]) Row;
      if (!ReadRow(row, next)) return false;
      ++count_;
    } else if (tag == Bytes(v1::StreamTasksRequest::kColumnsFieldNumber)) {
      std::string_view columns;
      at = ReadBytes(at, end, &columns);
      if (at == nullptr || !columns_.Add(columns)) return false;
    } else {
      at = SkipField(tag, at, end, kRequestDepth);
      if (at == nullptr) return false;
    }
  }
  return true;
}

bool RowReader::ReadRow(std::string_view bytes, Row* row) {
  TaskSpec& spec = row->spec;
  Place at = bytes.data();
  const Place end = at + bytes.size();
  while (at != end) {
    uint32_t tag = 0;
    at = ReadTag(at, end, &tag);
    if (at == nullptr) return false;
    uint64_t number = 0;
    switch (tag) {
      case Bytes(Spec::kHandlerFieldNumber):
        at = ReadText(at, end, &spec.handler);
        break;
      case Bytes(Spec::kPayloadFieldNumber):
        at = ReadBytes(at, end, &spec.payload);
        break;
      case Varint(Spec::kPriorityFieldNumber):
        at = ReadVarint<kNumberBytesMax>(at, end, &number);
        row->priorities.task = static_cast<int>(number);
        break;
      case Varint(Spec::kIoPriorityFieldNumber):
        at = ReadVarint<kNumberBytesMax>(at, end, &number);
        row->priorities.io = static_cast<int>(number);
        break;
      case Fixed(Spec::kTimeoutNsFieldNumber):
        at = ReadFixed(at, end, &spec.timeout_ns);
        break;
      case Varint(Spec::kCoreFieldNumber):
        at = ReadVarint<kNumberBytesMax>(at, end, &number);
        spec.cpu = static_cast<uint32_t>(number);
        break;
      case Fixed(Spec::kClientTagFieldNumber):
        at = ReadFixed(at, end, &spec.client_tag);
        break;
      case Bytes(Spec::kAffinityKeyFieldNumber):
        at = ReadText(at, end, &spec.affinity_key);
        break;
      case Bytes(Spec::kLabelsFieldNumber): {
        std::string_view entry;
        Label label;
        at = ReadBytes(at, end, &entry);
        if (at == nullptr || !ReadLabel(entry, &label)) return false;
        row->labels = bytes;
        break;
      }
      default:
        at = SkipField(tag, at, end, kSpecDepth);
    }
    if (at == nullptr) return false;
  }
  return true;
}

std::optional<Refusal> RowReader::TakeLabels(Row& row, std::string_view field_prefix) {
  const std::string path = std::string(field_prefix) + ".labels";
  LabelPairs pairs;
  if (GatherLabels(row.labels, &pairs)) {
    auto refusal = ReadLabels(pairs.pairs(), path, &labels_);
    row.spec.labels = labels_;
    return refusal;
  }
  // Refused, and the generated code counts how many there are.
  v1::TaskSpec message;
  (void)message.ParseFromArray(row.labels.data(), static_cast<int>(row.labels.size()));
  return ReadLabels(message.labels(), path, &labels_);
}

}  // namespace weft
