#include "wire/column_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "task/limits.h"
#include "wire/spec_check.h"

namespace weft {
namespace {

// Beyond it the memory of a message is not kept for the next.
constexpr size_t kKeptBytesMax = 1024 * 1024;

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// A message may have the field in so many parts; every client writes one.
constexpr size_t kPartsMax = 64;

// Up to where the bytes are well-formed; the parser tells the rest.
size_t CountHandlers(std::string_view bytes) {
  constexpr uint32_t kTag =
      v1::TaskColumns::kHandlersFieldNumber << 3 | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  size_t count = 0;
  for (uint32_t tag = input.ReadTag(); tag != 0; tag = input.ReadTag()) {
    if (tag == kTag) ++count;
    if (!WireFormatLite::SkipField(&input, tag)) break;
  }
  return count;
}

Refusal WrongColumn(const char* field, const std::string& message) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field = absl::StrCat("columns.", field);
  refusal.message = absl::StrCat(refusal.field, " ", message);
  return refusal;
}

Refusal WrongHandlers(size_t count) {
  return WrongColumn("handlers",
                     absl::StrCat("has ", count, " names; 1 to ", kMaxHandlers, " are allowed"));
}

// The entry, or what an absent column means.
template <class Column, class Value>
Value EntryOr(const Column& column, size_t index, Value absent) {
  return column.empty() ? absent : static_cast<Value>(column[static_cast<int>(index)]);
}

// How many entries from `index` on are as the first of them, `most` at most.
template <class Column>
size_t CountEqual(const Column& column, size_t index, size_t most) {
  if (column.empty()) return most;
  const auto begin = column.begin() + static_cast<ptrdiff_t>(index);
  const auto end = begin + static_cast<ptrdiff_t>(most);
  const auto first = *begin;
  const auto other = std::find_if(begin, end, [first](auto entry) { return entry != first; });
  return static_cast<size_t>(other - begin);
}

}  // namespace

void ColumnReader::Clear() {
  if (!is_present_) return;
  is_present_ = false;
  parts_ = handler_count_ = 0;
  if (columns_.SpaceUsedLong() > kKeptBytesMax) {
    v1::TaskColumns().Swap(&columns_);
  } else {
    columns_.Clear();
  }
}

bool ColumnReader::Add(std::string_view bytes) {
  is_present_ = true;
  if (++parts_ > kPartsMax) return false;
  handler_count_ += CountHandlers(bytes);
  // Names take many times their bytes once they are parsed.
  if (handler_count_ > kMaxHandlers) return true;
  CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  return columns_.MergeFromCodedStream(&input) && input.ConsumedEntireMessage();
}

std::optional<Refusal> ColumnReader::Check() {
  if (handler_count_ > kMaxHandlers) return WrongHandlers(handler_count_);
  count_ = columns_.count();
  index_ = 0;
  if (count_ == 0 || count_ > kMaxRows) {
    return WrongColumn("count", absl::StrCat("is ", count_, "; a message carries 1 to ", kMaxRows));
  }
  const size_t handlers = handler_count_;
  if (handlers == 0) return WrongHandlers(handlers);
  if (auto refusal = CheckLengths()) return refusal;
  const auto& indexes = columns_.handler_indexes();
  if (!indexes.empty()) {
    const uint32_t largest = *std::max_element(indexes.begin(), indexes.end());
    if (largest >= handlers) {
      return WrongColumn("handler_indexes", absl::StrCat("has a ", largest, "; columns.handlers ",
                                                         "has ", handlers, " names, from 0"));
    }
  }
  const auto& sizes = columns_.payload_bytes();
  const uint64_t sum = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
  if (sum != columns_.payloads().size()) {
    return WrongColumn("payload_bytes", absl::StrCat("come to ", sum, "; columns.payloads has ",
                                                     columns_.payloads().size(), " bytes"));
  }
  handlers_.assign(columns_.handlers().begin(), columns_.handlers().end());
  return std::nullopt;
}

std::optional<Refusal> ColumnReader::CheckLengths() const {
  struct Length {
    const char* field;
    int entries;
  };
  const std::array<Length, 7> lengths = {{{"handler_indexes", columns_.handler_indexes_size()},
                                          {"payload_bytes", columns_.payload_bytes_size()},
                                          {"priorities", columns_.priorities_size()},
                                          {"timeouts_ns", columns_.timeouts_ns_size()},
                                          {"cores", columns_.cores_size()},
                                          {"client_tags", columns_.client_tags_size()},
                                          {"io_priorities", columns_.io_priorities_size()}}};
  for (const Length& length : lengths) {
    if (length.entries == 0 || static_cast<size_t>(length.entries) == count_) continue;
    return WrongColumn(length.field, absl::StrCat("has ", length.entries, " entries; it takes ",
                                                  count_, ", one for each task, or none"));
  }
  return std::nullopt;
}

void ColumnReader::TakePayloads(std::string* to) {
  // A copy, so that the message before, whose memory is kept, leaves nothing of it there.
  to->assign(columns_.payloads());
  payload_ = to->data();
}

std::optional<Refusal> ColumnReader::Next(std::string_view field_prefix, TaskSpec* spec) {
  const size_t index = index_++;
  spec->handler = handlers_[EntryOr(columns_.handler_indexes(), index, uint32_t{0})];
  spec->payload = {payload_, EntryOr(columns_.payload_bytes(), index, size_t{0})};
  payload_ += spec->payload.size();
  spec->timeout_ns = EntryOr(columns_.timeouts_ns(), index, int64_t{0});
  spec->client_tag = EntryOr(columns_.client_tags(), index, uint64_t{0});
  if (!columns_.cores().empty()) spec->cpu = columns_.cores()[static_cast<int>(index)];
  const WirePriorities priorities = {.task = EntryOr(columns_.priorities(), index, 0),
                                     .io = EntryOr(columns_.io_priorities(), index, 0)};
  if (CompleteSpec(priorities, spec)) return std::nullopt;
  return SpecRefusal(priorities, field_prefix, *spec);
}

size_t ColumnReader::PeekAlike(TaskSpec* like, std::span<Own> own) const {
  if (!columns_.timeouts_ns().empty() || !columns_.cores().empty()) return 0;
  like->handler = handlers_[EntryOr(columns_.handler_indexes(), index_, uint32_t{0})];
  if (!CompleteSpec({.task = EntryOr(columns_.priorities(), index_, 0),
                     .io = EntryOr(columns_.io_priorities(), index_, 0)},
                    like)) {
    return 0;
  }
  size_t count = std::min(own.size(), count_ - index_);
  count = CountEqual(columns_.handler_indexes(), index_, count);
  count = CountEqual(columns_.priorities(), index_, count);
  count = CountEqual(columns_.io_priorities(), index_, count);
  const char* payload = payload_;
  for (size_t i = 0; i < count; ++i) {
    own[i].payload = {payload, EntryOr(columns_.payload_bytes(), index_ + i, size_t{0})};
    own[i].client_tag = EntryOr(columns_.client_tags(), index_ + i, uint64_t{0});
    payload += own[i].payload.size();
  }
  return count;
}

}  // namespace weft
