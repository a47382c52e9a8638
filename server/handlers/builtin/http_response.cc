#include "handlers/builtin/http_response.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "absl/strings/match.h"

namespace weft {
namespace {

// A chunk's size and extensions.
constexpr size_t kMostChunkLineBytes = 256;
constexpr size_t kStatusAt = 9;  // Behind "HTTP/1.1 ".

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// All of it, without sign.
bool ReadNumber(std::string_view text, int base, uint64_t* number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number, base);
  return error == std::errc() && stop == end && !text.empty();
}

}  // namespace

HttpResponseReader::State HttpResponseReader::Feed(std::string_view bytes) {
  while (state_ == State::kMore && !bytes.empty()) {
    bytes.remove_prefix(InBody() ? TakeBody(bytes) : TakeLine(bytes));
  }
  return state_;
}

HttpResponseReader::State HttpResponseReader::FeedEnd() {
  if (state_ != State::kMore) return state_;
  if (phase_ == Phase::kToEnd) {
    state_ = State::kDone;
  } else {
    Malformed(has_header_ ? "it ends before its body does" : "it ends before its header does");
  }
  return state_;
}

// How many bytes were taken.
size_t HttpResponseReader::TakeLine(std::string_view bytes) {
  const size_t line_end = bytes.find('\n');
  const size_t taken = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
  const bool is_chunk = phase_ == Phase::kChunkSize || phase_ == Phase::kChunkEnd;
  if (is_chunk && line_.size() + taken > kMostChunkLineBytes) {
    Malformed("the line of a chunk's size is too long");
    return taken;
  }
  if (!is_chunk) header_bytes_ += taken;
  if (header_bytes_ > bounds_.header_bytes) {
    state_ = State::kHeaderTooLarge;
    return taken;
  }
  line_.append(bytes.substr(0, taken));
  if (line_end == std::string_view::npos) return taken;
  line_.pop_back();
  if (line_.ends_with('\r')) line_.pop_back();
  EndLine(line_);
  line_.clear();
  return taken;
}

size_t HttpResponseReader::TakeBody(std::string_view bytes) {
  size_t taken = bytes.size();
  if (phase_ != Phase::kToEnd) taken = static_cast<size_t>(std::min<uint64_t>(taken, left_));
  if (body_->size() + taken > bounds_.body_bytes) {
    state_ = State::kBodyTooLarge;
    return taken;
  }
  body_->append(bytes.substr(0, taken));
  if (phase_ == Phase::kToEnd) return taken;
  left_ -= taken;
  if (left_ > 0) return taken;
  if (phase_ == Phase::kCounted) {
    state_ = State::kDone;
  } else {
    phase_ = Phase::kChunkEnd;
  }
  return taken;
}

void HttpResponseReader::EndLine(std::string_view line) {
  switch (phase_) {
    case Phase::kStatusLine:
      ReadStatusLine(line);
      break;
    case Phase::kFields:
      if (line.empty()) {
        EndFields();
      } else {
        ReadField(line);
      }
      break;
    case Phase::kChunkSize:
      ReadChunkSize(line);
      break;
    case Phase::kChunkEnd:
      phase_ = Phase::kChunkSize;
      if (!line.empty()) Malformed("a chunk is longer than it says");
      break;
    default:
      if (line.empty()) state_ = State::kDone;
      break;
  }
}

void HttpResponseReader::ReadStatusLine(std::string_view line) {
  const bool has_form = line.starts_with("HTTP/1.") && line.size() >= kStatusAt + 3 &&
                        IsDigit(line[kStatusAt - 2]) && line[kStatusAt - 1] == ' ' &&
                        (line.size() == kStatusAt + 3 || line[kStatusAt + 3] == ' ');
  uint64_t status = 0;
  if (!has_form || !ReadNumber(line.substr(kStatusAt, 3), 10, &status) || status < 100) {
    Malformed("the status line is none");
    return;
  }
  status_ = static_cast<int>(status);
  reason_ = Trim(line.substr(kStatusAt + 3));
  may_fold_ = false;
  phase_ = Phase::kFields;
}

void HttpResponseReader::ReadField(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    // The field before goes on; of the two that count here nobody writes that in good faith.
    if (!may_fold_) Malformed("a field is folded that must not be");
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() ||
      name.find_first_of(" \t") != std::string_view::npos) {
    Malformed("a line of the header is no field");
    return;
  }
  const std::string_view value = Trim(line.substr(colon + 1));
  may_fold_ = false;
  if (absl::EqualsIgnoreCase(ToAbsl(name), "content-length")) {
    ReadLength(value);
  } else if (absl::EqualsIgnoreCase(ToAbsl(name), "transfer-encoding")) {
    ReadCoding(value);
  } else {
    may_fold_ = true;
  }
}

void HttpResponseReader::ReadLength(std::string_view value) {
  uint64_t length = 0;
  if (!ReadNumber(value, 10, &length)) {
    Malformed("the Content-Length is no number");
  } else if (has_length_ && length != left_) {
    Malformed("there are two lengths");
  }
  has_length_ = true;
  left_ = length;
}

void HttpResponseReader::ReadCoding(std::string_view value) {
  if (is_chunked_ || !absl::EqualsIgnoreCase(ToAbsl(value), "chunked")) {
    Malformed("the Transfer-Encoding is not chunked");
  }
  is_chunked_ = true;
}

void HttpResponseReader::EndFields() {
  if (has_length_ && is_chunked_) return Malformed("there is a Content-Length beside chunks");
  if (status_ < 200 && status_ != 101) {
    has_length_ = is_chunked_ = false;
    phase_ = Phase::kStatusLine;
    return;
  }
  has_header_ = true;
  const bool has_body = status_ >= 200 && status_ != 204 && status_ != 304;
  if (!has_body || (has_length_ && left_ == 0)) {
    state_ = State::kDone;
  } else if (has_length_) {
    phase_ = Phase::kCounted;
    // Not to be read first, only to be refused.
    if (left_ > bounds_.body_bytes) state_ = State::kBodyTooLarge;
  } else {
    phase_ = is_chunked_ ? Phase::kChunkSize : Phase::kToEnd;
  }
}

void HttpResponseReader::ReadChunkSize(std::string_view line) {
  if (!ReadNumber(Trim(line.substr(0, line.find(';'))), 16, &left_)) {
    Malformed("the size of a chunk is no number");
    return;
  }
  phase_ = left_ > 0 ? Phase::kChunk : Phase::kTrailers;
}

}  // namespace weft
