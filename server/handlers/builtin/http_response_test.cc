// Responses as servers send them, whole and in every way of cutting them in two and byte by byte:
// right bodies, bounds that hold, and everything that could be read in two ways refused.
#include "handlers/builtin/http_response.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace weft {
namespace {

using State = HttpResponseReader::State;

constexpr HttpResponseReader::Bounds kBounds = {.header_bytes = 200, .body_bytes = 20};

struct Outcome {
  State state = State::kMore;
  int status = 0;
  std::string body;
  std::string problem;

  bool operator==(const Outcome&) const = default;
};

// Fed in those pieces, then the end of the connection if it goes on.
Outcome ReadPieces(const std::vector<std::string_view>& pieces) {
  std::string body;
  HttpResponseReader reader(kBounds, &body);
  for (const std::string_view piece : pieces) reader.Feed(piece);
  reader.FeedEnd();
  return {reader.state(), reader.status(), body, std::string(reader.problem())};
}

// The same however the bytes are cut.
Outcome Read(std::string_view text) {
  const Outcome whole = ReadPieces({text});
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(ReadPieces({text.substr(0, cut), text.substr(cut)}).state, whole.state)
        << "cut at " << cut;
  }
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  const Outcome cut = ReadPieces(bytes);
  EXPECT_EQ(cut.status, whole.status);
  EXPECT_EQ(cut.problem, whole.problem);
  if (whole.state == State::kDone) {
    EXPECT_EQ(cut, whole);
  }
  return whole;
}

void ExpectBody(std::string_view text, std::string_view body) {
  const Outcome outcome = Read(text);
  EXPECT_EQ(outcome.state, State::kDone) << text << outcome.problem;
  EXPECT_EQ(outcome.body, body) << text;
}

void ExpectMalformed(std::string_view text, std::string_view problem) {
  const Outcome outcome = Read(text);
  EXPECT_EQ(outcome.state, State::kMalformed) << text;
  EXPECT_EQ(outcome.problem, problem) << text;
}

TEST(HttpResponseReader, ReadsABodyOfAToldLength) {
  ExpectBody("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "body");
  ExpectBody("HTTP/1.0 200\ncontent-length:\t4 \n\nbodyand more", "body");
  ExpectBody("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
  ExpectBody("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody", "body");
}

TEST(HttpResponseReader, ReadsABodyThatTheEndOfTheConnectionEnds) {
  ExpectBody("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody", "body");
  ExpectBody("HTTP/1.1 200 OK\r\n\r\n", "");
}

TEST(HttpResponseReader, ReadsChunks) {
  ExpectBody(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
      "0\r\n\r\n",
      "abc0123456789");
  ExpectBody("HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n0\r\nTrailer: x\r\n\r\n", "");
  ExpectBody("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \nx\n0\n\n", "x");
}

TEST(HttpResponseReader, PassesInterimResponsesOver) {
  ExpectBody(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "ok");
  EXPECT_EQ(Read("HTTP/1.1 101 Switching Protocols\r\n\r\n").status, 101);
}

TEST(HttpResponseReader, KnowsWhatHasNoBody) {
  ExpectBody("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody", "");
  ExpectBody("HTTP/1.1 304 Not Modified\r\n\r\nbody", "");
}

TEST(HttpResponseReader, TellsTheStatusOnceItsHeaderIsThere) {
  std::string body;
  HttpResponseReader reader(kBounds, &body);
  reader.Feed("HTTP/1.1 404 Not  Found \r\nContent-Length: 1000000\r\n");
  EXPECT_EQ(reader.status(), 0);
  reader.Feed("\r\n");
  EXPECT_EQ(reader.status(), 404);
  EXPECT_EQ(reader.reason(), "Not  Found");
}

TEST(HttpResponseReader, LetsOtherFieldsBeFolded) {
  ExpectBody("HTTP/1.1 200 OK\r\nServer: x\r\n y\r\n\tz\r\nContent-Length: 2\r\n\r\nok", "ok");
  ExpectMalformed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 3\r\n\r\nok",
                  "a field is folded that must not be");
  ExpectMalformed("HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\nok",
                  "a field is folded that must not be");
}

TEST(HttpResponseReader, RefusesWhatIsNoResponse) {
  for (const char* text :
       {"\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n"}) {
    ExpectMalformed(text, "the status line is none");
  }
  ExpectMalformed("HTTP/1.1 200 OK\r\nno field\r\n\r\n", "a line of the header is no field");
  ExpectMalformed("HTTP/1.1 200 OK\r\n: x\r\n\r\n", "a line of the header is no field");
  ExpectMalformed("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
                  "a line of the header is no field");
}

TEST(HttpResponseReader, RefusesWhatCouldBeReadInTwoWays) {
  ExpectMalformed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
                  "there are two lengths");
  ExpectMalformed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
                  "there is a Content-Length beside chunks");
  for (const char* length : {"", "-1", "+1", "1x", "0x1", "1, 1", "99999999999999999999999"}) {
    ExpectMalformed("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n\r\n",
                    "the Content-Length is no number");
  }
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", ""}) {
    ExpectMalformed("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\n",
                    "the Transfer-Encoding is not chunked");
  }
}

TEST(HttpResponseReader, RefusesChunksThatAreNone) {
  const std::string header = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* size : {"", "x", "-1", "+1", "0x1", "1 1", "11111111111111111"}) {
    ExpectMalformed(header + size + "\r\n", "the size of a chunk is no number");
  }
  ExpectMalformed(header + "1\r\nxy\r\n", "a chunk is longer than it says");
  ExpectMalformed(header + "1;" + std::string(300, 'x') + "\r\n",
                  "the line of a chunk's size is too long");
}

TEST(HttpResponseReader, TellsThatItEndsTooEarly) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (size_t end = 0; end < text.size(); ++end) {
    EXPECT_EQ(ReadPieces({std::string_view(text).substr(0, end)}).state, State::kMalformed) << end;
  }
  ExpectMalformed("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbod",
                  "it ends before its body does");
  ExpectMalformed("HTTP/1.1 200 OK\r\n", "it ends before its header does");
}

TEST(HttpResponseReader, HoldsItsBoundsToTheByte) {
  const std::string full(20, 'x');
  ExpectBody("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + full, full);
  ExpectBody("HTTP/1.1 200 OK\r\n\r\n" + full, full);
  for (const std::string& text : std::vector<std::string>{
           "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + full,
           "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n" + full,
           "HTTP/1.1 200 OK\r\n\r\nx" + full,
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n"
           "5\r\nabcde\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + full +
               "x"}) {
    const Outcome outcome = Read(text);
    EXPECT_EQ(outcome.state, State::kBodyTooLarge) << text;
    EXPECT_LE(outcome.body.size(), kBounds.body_bytes);
  }
  const std::string begin = "HTTP/1.1 200 OK\r\nX: ";
  const std::string end = "\r\n\r\n";
  const std::string fits(kBounds.header_bytes - begin.size() - end.size(), 'x');
  EXPECT_EQ(Read(begin + fits + end).state, State::kDone);
  EXPECT_EQ(Read(begin + fits + "x" + end).state, State::kHeaderTooLarge);
  EXPECT_EQ(Read(std::string(300, 'x')).state, State::kHeaderTooLarge) << "without any line end";
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(Read(interim).state, State::kHeaderTooLarge) << "interim responses count";
}

// Nothing that comes makes it read what is not there, or keep more than its bounds; ASan watches.
TEST(HttpResponseReader, TakesAnyBytes) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  constexpr std::string_view kParts[] = {"HTTP/1.1 200 OK\r\n",
                                         "Content-Length: 7\r\n",
                                         "Transfer-Encoding: chunked\r\n",
                                         "\r\n",
                                         "\n",
                                         "5\r\nabcde\r\n",
                                         "0\r\n",
                                         "HTTP/1.1 100 \r\n\r\n",
                                         " ",
                                         "\0",
                                         ";",
                                         "ffff",
                                         "body",
                                         ": x\r\n"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text = random() % 4 == 0 ? "" : std::string(kParts[0]);
    for (uint64_t count = random() % 12; count > 0; --count) {
      text += kParts[random() % std::size(kParts)];
    }
    if (random() % 8 == 0 && !text.empty()) text[random() % text.size()] ^= 1;
    const size_t cut = random() % (text.size() + 1);
    const std::string_view view = text;
    const Outcome outcome = ReadPieces({view.substr(0, cut), view.substr(cut)});
    EXPECT_NE(outcome.state, State::kMore);
    EXPECT_LE(outcome.body.size(), kBounds.body_bytes);
  }
}

}  // namespace
}  // namespace weft
