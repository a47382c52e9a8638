#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// Reads one HTTP/1.x response out of the bytes as they come, however they are cut. The body is
// appended to a string; bodies are bounded by Content-Length, chunks, or the end of the connection.
// Interim responses (1xx) are passed over. What could be read in two ways is malformed: two lengths
// that differ, a length beside chunks, a transfer coding that nobody asked for. One thread.
class HttpResponseReader {
 public:
  struct Bounds {
    size_t header_bytes = 0;  // Of all lines but those of chunks: status, fields, trailers.
    size_t body_bytes = 0;
  };
  enum class State : uint8_t {
    kMore,
    kDone,
    kMalformed,       // See problem().
    kHeaderTooLarge,  // Beyond Bounds::header_bytes.
    kBodyTooLarge,    // Beyond Bounds::body_bytes.
  };

  // body outlives the reader.
  HttpResponseReader(const Bounds& bounds, std::string* body) : bounds_(bounds), body_(body) {}

  // Takes bytes in while the state is kMore; the state then. What follows the end is ignored.
  State Feed(std::string_view bytes);
  // The connection has ended.
  State FeedEnd();

  State state() const { return state_; }
  // From the moment on that the header was read; 0 before.
  int status() const { return has_header_ ? status_ : 0; }
  // The words beside the status, as the server sent them.
  const std::string& reason() const { return reason_; }
  // What is wrong, when the state is kMalformed: "the status line is none".
  std::string_view problem() const { return problem_; }

 private:
  enum class Phase : uint8_t {
    kStatusLine,
    kFields,
    kCounted,  // A body of left_ bytes.
    kToEnd,    // A body that the end of the connection ends.
    kChunkSize,
    kChunk,     // left_ bytes of it to come.
    kChunkEnd,  // The line end behind it.
    kTrailers,
  };

  bool InBody() const {
    return phase_ == Phase::kCounted || phase_ == Phase::kToEnd || phase_ == Phase::kChunk;
  }
  size_t TakeLine(std::string_view bytes);
  size_t TakeBody(std::string_view bytes);
  void EndLine(std::string_view line);
  void ReadStatusLine(std::string_view line);
  void ReadField(std::string_view line);
  void ReadLength(std::string_view value);
  void ReadCoding(std::string_view value);
  void EndFields();
  void ReadChunkSize(std::string_view line);
  void Malformed(std::string_view problem) {
    state_ = State::kMalformed;
    problem_ = problem;
  }

  const Bounds bounds_;
  std::string* const body_;
  State state_ = State::kMore;
  Phase phase_ = Phase::kStatusLine;
  std::string line_;
  size_t header_bytes_ = 0;
  int status_ = 0;
  bool has_header_ = false;
  std::string reason_;
  bool has_length_ = false;
  bool is_chunked_ = false;
  bool may_fold_ = false;  // The field before may go on in the next line.
  uint64_t left_ = 0;
  std::string_view problem_;
};

}  // namespace weft
