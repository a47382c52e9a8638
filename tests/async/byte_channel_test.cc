// Streams of bytes: partial transfers, every way a wait may end, and what hears of an end that
// goes.
#include "async/byte_channel.h"

#include <array>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async_fixture.h"
#include "test_seed.h"

namespace weft {
namespace {

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class ByteChannelTest : public AsyncTest {
 protected:
  // What is there, up to so many bytes.
  std::string Read(size_t most) {
    std::string text(most, '\0');
    size_t count = 99;
    last_ = channel_.TryRead(std::as_writable_bytes(std::span(text)), &count);
    text.resize(count);
    return text;
  }
  // How many were taken.
  size_t Write(std::string_view text) {
    size_t count = 99;
    last_ = channel_.TryWrite(BytesOf(text), &count);
    return count;
  }

  ChannelEnds<ByteChannel> ends_ = OpenByteChannel(8);
  ByteChannel& channel_ = ends_.sender.channel();
  TryResult last_ = TryResult::kDone;  // Of the last Read or Write.
};

TEST_F(ByteChannelTest, TakesWhatFitsAndGivesWhatThereIs) {
  EXPECT_EQ(Write("abcde"), 5U);
  EXPECT_EQ(Write("fghij"), 3U) << "three fit";
  EXPECT_EQ(Write("x"), 0U);
  EXPECT_EQ(last_, TryResult::kWouldWait);
  EXPECT_EQ(Read(3), "abc");
  EXPECT_EQ(Write("123456"), 3U) << "around the end";
  EXPECT_EQ(Read(100), "defgh123");
  EXPECT_EQ(Read(1), "");
  EXPECT_EQ(last_, TryResult::kWouldWait);
}

TEST_F(ByteChannelTest, OfNothingNothingIsMovedAtOnce) {
  EXPECT_EQ(Write(""), 0U);
  EXPECT_EQ(last_, TryResult::kDone);
  EXPECT_EQ(Read(0), "");
  EXPECT_EQ(last_, TryResult::kDone);
  EXPECT_EQ(ByteChannel(0).capacity(), 2U);
  EXPECT_EQ(ByteChannel(9).capacity(), 16U);
}

TEST_F(ByteChannelTest, AReaderWaitsForTheFirstByteAndAWriterForTheFirstRoom) {
  std::string read;
  Go([&](TaskContext& context) {
    std::array<std::byte, 4> bytes;
    size_t count = 0;
    while (channel_.Read(context, bytes, &count) == WaitResult::kDone) {
      read.append(reinterpret_cast<const char*>(bytes.data()), count);
    }
  });
  Settle();
  EXPECT_EQ(Write("ab"), 2U);
  Settle();
  EXPECT_EQ(read, "ab") << "not only when four are there";
  WaitResult written = WaitResult::kElapsed;
  size_t count = 0;
  const std::string long_text = "0123456789abcdefghijklmnopq";
  Go([&](TaskContext& context) {
    written = channel_.WriteAll(context, BytesOf(long_text), &count);
  });
  Settle();
  EXPECT_EQ(written, WaitResult::kDone);
  EXPECT_EQ(count, long_text.size());
  channel_.Close();
  Settle();
  EXPECT_EQ(read, "ab" + long_text);
  EXPECT_EQ(home().live(), 0U);
}

TEST_F(ByteChannelTest, WaitsMayElapseAndBeCancelledAndSayHowFarTheyCame) {
  WaitResult elapsed = WaitResult::kDone;
  WaitResult cancelled = WaitResult::kDone;
  size_t first = 0;
  size_t second = 99;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    const std::string text(12, 'x');
    elapsed = channel_.WriteAll(context, BytesOf(text), &first, context.NowNs() + 1'000'000);
    cancelled = channel_.Write(context, BytesOf(text), &second);
  });
  Settle();
  Advance(2'000'000);
  EXPECT_EQ(elapsed, WaitResult::kElapsed);
  EXPECT_EQ(first, 8U);
  handle->Abort();
  Settle();
  EXPECT_EQ(cancelled, WaitResult::kCancelled);
  EXPECT_EQ(second, 0U);
}

TEST_F(ByteChannelTest, ClosedWhileWaitedOnItTellsBothAndWhatWasWrittenIsRead) {
  WaitResult written = WaitResult::kDone;
  size_t count = 0;
  Go([&](TaskContext& context) {
    written = channel_.WriteAll(context, BytesOf("0123456789"), &count);
  });
  ByteChannel empty(8);
  WaitResult read = WaitResult::kDone;
  Go([&](TaskContext& context) {
    std::array<std::byte, 4> bytes;
    size_t none = 0;
    read = empty.Read(context, bytes, &none);
  });
  Settle();
  Elsewhere([&] {
    channel_.Close();
    empty.Close();
  });
  Settle();
  EXPECT_EQ(written, WaitResult::kClosed);
  EXPECT_EQ(count, 8U);
  EXPECT_EQ(read, WaitResult::kClosed);
  EXPECT_EQ(Write("x"), 0U);
  EXPECT_EQ(last_, TryResult::kClosed);
  EXPECT_EQ(Read(100), "01234567");
  EXPECT_EQ(Read(100), "");
  EXPECT_EQ(last_, TryResult::kClosed);
}

TEST_F(ByteChannelTest, EndsThatGoDisconnect) {
  std::optional writer(std::move(ends_.sender));
  EXPECT_EQ(Write("abc"), 3U);
  writer.reset();
  EXPECT_EQ(Read(100), "abc");
  EXPECT_EQ(Read(100), "");
  EXPECT_EQ(last_, TryResult::kClosed);
  auto others = OpenByteChannel(8);
  { const auto gone = std::move(others.receiver); }
  size_t count = 99;
  EXPECT_EQ(others.sender.channel().TryWrite(BytesOf("x"), &count), TryResult::kClosed);
  EXPECT_EQ(count, 0U);
}

TEST_F(ByteChannelTest, ASecondReaderAndAThreadThatRunsTasksAreRefused) {
  std::vector<WaitResult> results;
  for (int i = 0; i < 2; ++i) {
    Go([&](TaskContext& context) {
      std::array<std::byte, 4> bytes;
      size_t count = 0;
      results.push_back(channel_.Read(context, bytes, &count));
    });
  }
  Settle();
  EXPECT_EQ(results, std::vector{WaitResult::kElsewhere});
  std::array<std::byte, 4> bytes;
  size_t count = 99;
  EXPECT_EQ(channel_.BlockingRead(bytes, &count), WaitResult::kElsewhere);
  EXPECT_EQ(channel_.BlockingWrite(bytes, &count), WaitResult::kElsewhere);
  channel_.Close();
  Settle();
}

// Against a string that grows and shrinks.
TEST_F(ByteChannelTest, IsTheStreamThatWasWrittenHoweverItIsCut) {
  std::mt19937_64 random(TestSeed());
  std::string written;
  std::string read;
  for (int step = 0; step < 5'000; ++step) {
    std::string piece(random() % 12, '\0');
    for (char& letter : piece) letter = static_cast<char>(random());
    written += piece.substr(0, Write(piece));
    EXPECT_LE(written.size() - read.size(), 8U);
    read += Read(random() % 12);
  }
  read += Read(8);
  EXPECT_EQ(read, written);
}

}  // namespace
}  // namespace weft
