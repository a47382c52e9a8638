// Rows read from the bytes are what the generated code and ReadTaskSpec make of them, accepted and
// refused alike: case by case, and for valid, damaged and random messages.
#include "wire/row_reader.h"

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "weft/v1/task_service.pb.h"
#include "wire/task_wire.h"

namespace weft {
namespace {

constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kBytes = 2;
constexpr uint64_t kGroup = 3;
constexpr uint64_t kEndGroup = 4;
constexpr uint64_t kFixed32 = 5;

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}
std::string Tag(uint64_t field, uint64_t type) { return Varint(field << 3 | type); }
std::string Number(uint64_t field, uint64_t value) { return Tag(field, kVarint) + Varint(value); }
std::string Text(uint64_t field, const std::string& text) {
  return Tag(field, kBytes) + Varint(text.size()) + text;
}
std::string Label(const std::string& key, const std::string& value) {
  return Text(8, Text(1, key) + Text(2, value));
}
// One row that names a handler.
std::string Row(const std::string& fields) { return Text(1, Text(1, "noop") + fields); }
std::string Nested(uint64_t groups, const std::string& inner) {
  std::string bytes = inner;
  for (uint64_t i = 0; i < groups; ++i) bytes = Tag(50, kGroup) + bytes + Tag(50, kEndGroup);
  return bytes;
}

std::string Told(const TaskSpec& spec) {
  const testing::Message told = testing::Message()
                                << std::string(spec.handler) << '|' << std::string(spec.payload)
                                << '|' << static_cast<int>(spec.priority) << '|'
                                << static_cast<int>(spec.io_priority) << '|' << spec.timeout_ns
                                << '|' << (spec.cpu ? std::to_string(*spec.cpu) : "any") << '|'
                                << spec.client_tag << '|' << std::string(spec.affinity_key) << '|'
                                << std::string(spec.labels);
  return told.GetString();
}

std::string Told(const Refusal& refusal, uint64_t client_tag) {
  const testing::Message told = testing::Message()
                                << "refused " << static_cast<int>(refusal.reason) << '|'
                                << refusal.field << '|' << refusal.message << '|' << refusal.bound
                                << '|' << refusal.retry_after_ns << '|' << client_tag;
  return told.GetString();
}

// All that comes of a message, as text.
std::string Generated(const std::string& bytes) {
  v1::StreamTasksRequest request;
  if (!request.ParseFromString(bytes)) return "no message";
  std::string told = std::to_string(request.specs_size());
  for (size_t i = 0; i < static_cast<size_t>(request.specs_size()) && i < kMaxRows; ++i) {
    const v1::TaskSpec& row = request.specs(static_cast<int>(i));
    std::string labels;
    TaskSpec spec;
    const auto refusal = ReadTaskSpec(row, "specs[i]", &labels, &spec);
    told += '\n' + (refusal ? Told(*refusal, row.client_tag()) : Told(spec));
  }
  return told;
}

class RowReaderTest : public ::testing::Test {
 protected:
  std::string ByHand() {
    if (!reader_.Read({bytes_.data(), bytes_.size()})) return "no message";
    std::string told = std::to_string(reader_.count());
    for (size_t i = 0; i < reader_.count() && i < kMaxRows; ++i) {
      const auto refusal = reader_.Check(i, "specs[i]");
      const TaskSpec& spec = reader_.spec(i);
      told += '\n' + (refusal ? Told(*refusal, spec.client_tag) : Told(spec));
    }
    return told;
  }

  // As the generated code does, whatever that is; returns it.
  std::string Same(const std::string& bytes) {
    bytes_ = std::vector<char>(bytes.begin(), bytes.end());
    std::string generated = Generated(bytes);
    EXPECT_EQ(ByHand(), generated) << testing::PrintToString(bytes);
    return generated;
  }
  bool IsMessage(const std::string& bytes) { return Same(bytes) != "no message"; }

  // Until the next message.
  const TaskSpec& Only(const std::string& bytes) {
    EXPECT_NE(Same(bytes), "no message");
    EXPECT_EQ(reader_.count(), 1u);
    return reader_.spec(0);
  }

  std::vector<char> bytes_;  // No byte more, so that AddressSanitizer sees one read beyond.
  RowReader reader_;         // One for all messages of a test, as in the daemon.
  google::protobuf::LogSilencer silence_;
};

v1::TaskSpec FullSpec() {
  v1::TaskSpec spec;
  spec.set_handler("sha256");
  spec.set_payload(std::string("\0\xff payload", 10));
  spec.set_priority(v1::PRIORITY_HIGH);
  spec.set_io_priority(v1::PRIORITY_LOW);
  spec.set_timeout_ns(-5);
  spec.set_core(3);
  spec.set_client_tag(0x8000'0000'0000'0001);
  spec.set_affinity_key("κλειδί");
  (*spec.mutable_labels())["tenant"] = "acme";
  (*spec.mutable_labels())["stage"] = "Größe";
  return spec;
}

TEST_F(RowReaderTest, ReadsEveryFieldAsViewsIntoTheBytes) {
  v1::StreamTasksRequest request;
  *request.add_specs() = FullSpec();
  const TaskSpec& spec = Only(request.SerializeAsString());
  EXPECT_EQ(spec.handler, "sha256");
  EXPECT_EQ(spec.payload, FullSpec().payload());
  EXPECT_EQ(spec.priority, Priority::kHigh);
  EXPECT_EQ(spec.io_priority, Priority::kLow);
  EXPECT_EQ(spec.timeout_ns, -5);
  EXPECT_EQ(spec.cpu, 3u);
  EXPECT_EQ(spec.client_tag, 0x8000'0000'0000'0001);
  EXPECT_EQ(spec.affinity_key, "κλειδί");
  EXPECT_EQ(spec.labels, "\5stage\7Größe\6tenant\4acme");
  EXPECT_GE(spec.payload.data(), bytes_.data());
  EXPECT_LT(spec.payload.data(), bytes_.data() + bytes_.size());
}

TEST_F(RowReaderTest, LeavesNothingOfTheMessageBefore) {
  v1::StreamTasksRequest request;
  *request.add_specs() = FullSpec();
  *request.add_specs() = FullSpec();
  Same(request.SerializeAsString());
  Same(Row("") + Row(Number(3, 3)));
  EXPECT_EQ(reader_.spec(0).priority, Priority::kNormal);
  EXPECT_EQ(reader_.spec(0).cpu, std::nullopt);
  EXPECT_EQ(reader_.spec(0).labels, "");
  EXPECT_EQ(Same(""), "0");
}

TEST_F(RowReaderTest, LetsTheLastOfAFieldHold) {
  const TaskSpec& spec = Only(Text(1, Text(1, "echo") + Text(2, "first") + Number(5, 1) +
                                          Text(2, "") + Text(1, "noop") + Number(5, 2)));
  EXPECT_EQ(spec.handler, "noop");
  EXPECT_EQ(spec.payload, "");
  EXPECT_EQ(spec.cpu, 2u);
}

TEST_F(RowReaderTest, SkipsFieldsThatItDoesNotKnow) {
  const std::string unknown = Number(30, 300) + Tag(4000, kFixed64) + std::string(8, '\xff') +
                              Text(536870911, "text") + Tag(10, kFixed32) + std::string(4, '\1') +
                              Nested(3, Number(1, 7) + Text(2, "inner"));
  Same(unknown + Row(unknown + Number(3, 1) + unknown) + unknown);
  EXPECT_EQ(reader_.count(), 1u);
  EXPECT_EQ(reader_.spec(0).priority, Priority::kHigh);
  EXPECT_EQ(reader_.spec(0).handler, "noop");
}

TEST_F(RowReaderTest, TakesAFieldOfAnotherWireTypeForUnknown) {
  for (uint64_t field = 1; field <= 9; ++field) {
    EXPECT_TRUE(IsMessage(Row(Tag(field, kFixed32) + "abcd"))) << field;
    EXPECT_TRUE(IsMessage(Row(Tag(field, kFixed64) + "abcdefgh"))) << field;
    EXPECT_TRUE(IsMessage(Row(Number(field, 1) + Number(3, 1)))) << field;
    EXPECT_TRUE(IsMessage(Row(Tag(field, kGroup) + Tag(field, kEndGroup)))) << field;
    EXPECT_EQ(IsMessage(Row(Text(field, "ab"))), field != 8) << field;
  }
  EXPECT_EQ(Same(Number(1, 5) + Tag(1, kFixed32) + "abcd"), "0");
}

TEST_F(RowReaderTest, BoundsTheDepthOfGroups) {
  EXPECT_TRUE(IsMessage(Row("") + Nested(100, "")));
  EXPECT_FALSE(IsMessage(Row("") + Nested(101, "")));
  EXPECT_TRUE(IsMessage(Row(Nested(99, ""))));
  EXPECT_FALSE(IsMessage(Row(Nested(100, ""))));
  EXPECT_TRUE(IsMessage(Row(Text(8, Nested(98, "")))));
  EXPECT_FALSE(IsMessage(Row(Text(8, Nested(99, "")))));
}

TEST_F(RowReaderTest, RefusesGroupsThatDoNotEndWhereTheyShould) {
  EXPECT_FALSE(IsMessage(Row(Tag(50, kGroup))));
  EXPECT_FALSE(IsMessage(Row(Tag(50, kEndGroup))));
  EXPECT_FALSE(IsMessage(Tag(50, kEndGroup)));
  EXPECT_FALSE(IsMessage(Row(Tag(50, kGroup) + Tag(51, kEndGroup))));
  EXPECT_FALSE(IsMessage(Row(Tag(50, kGroup)) + Tag(50, kEndGroup)));
}

TEST_F(RowReaderTest, DropsTheBitsBeyondANumber) {
  EXPECT_EQ(Only(Row(Number(3, (uint64_t{1} << 32) + 1))).priority, Priority::kHigh);
  EXPECT_EQ(Only(Row(Number(5, (uint64_t{1} << 40) + 7))).cpu, 7u);
  const std::string longest(9, '\x80');
  EXPECT_EQ(Only(Row(Tag(5, kVarint) + longest + '\x7f')).cpu, 0u);
  EXPECT_FALSE(IsMessage(Row(Tag(5, kVarint) + longest + "\x80\x01")));
  EXPECT_NE(Same(Row(Number(3, uint64_t{0} - 1))).find("specs[i].priority is -1"),
            std::string::npos);
}

TEST_F(RowReaderTest, ReadsTagsAndLengthsThatAreLongerThanNeeded) {
  const std::string four(4, '\x80');
  EXPECT_EQ(Only(std::string("\x8a") + "\x80\x80\x80" + std::string(1, '\0') + '\2' + "\x0a" +
                 std::string(1, '\0'))
                .handler,
            "");
  EXPECT_EQ(Only(Row('\x92' + four.substr(1) + std::string("\x70\x84") + four.substr(1) +
                     std::string(1, '\0') + "abcd"))
                .payload,
            "abcd");
  EXPECT_FALSE(IsMessage(Row('\x92' + four + std::string(1, '\0') + "\4abcd")));
  EXPECT_FALSE(IsMessage(Row(Tag(2, kBytes) + '\x84' + four + std::string(1, '\0') + "abcd")));
  EXPECT_FALSE(IsMessage(Row(Tag(2, kBytes) + '\x84' + four.substr(1) +
                             "\x08"
                             "abcd")));
}

TEST_F(RowReaderTest, RefusesTagsThatThereCannotBe) {
  for (const uint64_t tag : {0, 1, 2, 4, 6, 7, 14, 15, 22}) {
    const std::string bytes = Varint(tag) + std::string(8, '\1');
    EXPECT_FALSE(IsMessage(bytes)) << tag;
    EXPECT_FALSE(IsMessage(Row(bytes))) << tag;
    EXPECT_FALSE(IsMessage(Row(Text(8, bytes)))) << tag;
    EXPECT_FALSE(IsMessage(Row(Tag(50, kGroup) + bytes + Tag(50, kEndGroup)))) << tag;
  }
}

TEST_F(RowReaderTest, RefusesTextThatIsNotUtf8) {
  for (const std::string bad : {"\xff", "abc\x80", "abcdefgh\xc0\x80", "abcdefghijkl\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "ab\xe2\x82", "\xe2\x82 abcdefghijklmnop"}) {
    EXPECT_FALSE(IsMessage(Row(Text(1, bad))));
    EXPECT_FALSE(IsMessage(Row(Text(1, bad) + Text(1, "noop"))));
    EXPECT_FALSE(IsMessage(Row(Text(7, bad))));
    EXPECT_FALSE(IsMessage(Row(Label(bad, "value"))));
    EXPECT_FALSE(IsMessage(Row(Label("key", bad))));
    EXPECT_TRUE(IsMessage(Row(Text(2, bad))));
    EXPECT_TRUE(IsMessage(Row(Text(9, bad))));
  }
  for (size_t size = 1; size < 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = '\x80';
      EXPECT_FALSE(IsMessage(Row(Text(7, text)))) << at << " of " << size;
    }
  }
}

TEST_F(RowReaderTest, RefusesAMessageThatIsCutOffAnywhereButBetweenRows) {
  v1::StreamTasksRequest request;
  for (int i = 0; i < 3; ++i) *request.add_specs() = FullSpec();
  const std::string bytes = request.SerializeAsString();
  for (size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(IsMessage(bytes.substr(0, size)), size % (bytes.size() / 3) == 0) << size;
  }
}

TEST_F(RowReaderTest, RefusesFieldsThatReachBeyondTheirRow) {
  EXPECT_FALSE(IsMessage(Text(1, Tag(2, kBytes) + "\4ab") + Row("")));
  EXPECT_FALSE(IsMessage(Text(1, Tag(6, kFixed64) + "abcd") + Row("")));
  EXPECT_FALSE(IsMessage(Text(1, Tag(5, kVarint) + "\x80") + Row("")));
  EXPECT_FALSE(IsMessage(Text(1, Tag(8, kBytes) + "\4" + Tag(1, kBytes)) + Row("")));
  EXPECT_FALSE(IsMessage(Row(Text(8, Tag(1, kBytes) + "\4ab") + Text(2, "abcdefgh"))));
}

TEST_F(RowReaderTest, RefusesAsReadTaskSpecDoesAndInItsOrder) {
  const std::string overlong = Text(1, std::string(kMaxHandlerNameBytes + 1, 'x'));
  EXPECT_NE(Same(Text(1, Number(3, 4) + Tag(6, kFixed64) + "\7" + std::string(7, '\0')))
                .find("|specs[i].handler|specs[i].handler is empty; name one"),
            std::string::npos);
  EXPECT_EQ(reader_.spec(0).client_tag, 7u);
  EXPECT_NE(Same(Row(overlong + Number(3, 4) + Label("?", ""))).find("is 65 bytes long"),
            std::string::npos);
  EXPECT_NE(Same(Row(Number(3, 4) + Label("?", ""))).find("|specs[i].priority|"),
            std::string::npos);
  EXPECT_NE(Same(Row(Label("?", ""))).find("|specs[i].labels[\"?\"]|"), std::string::npos);
}

TEST_F(RowReaderTest, LetsTheLastValueOfALabelHold) {
  EXPECT_EQ(Only(Row(Label("b", "1") + Label("a", "2") + Label("b", "3"))).labels,
            std::string_view("\1a\1"
                             "2\1b\1"
                             "3"));
  EXPECT_EQ(Only(Row(Label("b", "1") + Text(8, Text(1, "b")))).labels,
            std::string_view("\1b\0", 3));
  EXPECT_EQ(
      Only(Row(Text(8, Text(2, "late") + Text(1, "x") + Number(3, 9) + Text(1, "key")))).labels,
      "\3key\4late");
  EXPECT_NE(Same(Row(Text(8, ""))).find("specs[i].labels[\"\"]"), std::string::npos);
}

TEST_F(RowReaderTest, CountsLabelsByTheirKeys) {
  std::string labels;
  for (size_t i = 0; i < kMaxLabels; ++i) labels += Label("key" + std::to_string(i), "value");
  EXPECT_EQ(Same(Row(labels + labels)).find("refused"), std::string::npos);
  EXPECT_NE(Same(Row(labels + Label("one", "more") + Label("and", "more") + labels))
                .find("|specs[i].labels|specs[i].labels has 18 labels; at most 16"),
            std::string::npos);
}

TEST_F(RowReaderTest, CountsTheRowsBeyondTheBoundAndReadsThemToo) {
  std::string bytes;
  for (size_t i = 0; i < kMaxRows + 5; ++i) bytes += Row(Number(5, i));
  Same(bytes);
  EXPECT_EQ(reader_.count(), kMaxRows + 5);
  EXPECT_EQ(reader_.spec(kMaxRows - 1).cpu, kMaxRows - 1);
  EXPECT_FALSE(IsMessage(bytes + Row(Text(1, "\xff"))));
}

// ---- Any message.

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  // Of any magnitude.
  uint64_t Number() { return random_() >> Below(64); }
  char Byte() { return static_cast<char>(random_()); }

  std::string Text() {
    static const std::string kPieces[] = {"noop", "a", "key-1", "é", "€", "😀", "", "long text 12"};
    std::string text;
    for (uint64_t pieces = Below(4); pieces > 0; --pieces) text += kPieces[Below(8)];
    if (Below(40) == 0) text += std::string(Below(150), 'x');
    if (Below(60) == 0) text += Byte();
    return text;
  }

  // A field, mostly as it should be; depth: how far messages may be nested further.
  std::string Field(int depth) {
    const uint64_t field = Below(6) == 0 ? Number() & 0x1fff'ffff : Below(10);
    const uint64_t type = Below(3) == 0 ? Below(6) : kTypes[field < 10 ? field : 9];
    return Tag(field == 0 && Below(20) != 0 ? 1 : field, type) + Value(field, type, depth);
  }
  std::string Fields(uint64_t most, int depth) {
    std::string bytes;
    for (uint64_t fields = Below(most + 1); fields > 0; --fields) bytes += Field(depth);
    return bytes;
  }
  std::string Message() {
    std::string bytes;
    for (uint64_t rows = Below(4); rows > 0; --rows) {
      bytes += weft::Text(1, (Below(4) == 0 ? "" : weft::Text(1, "noop")) + Fields(6, 2));
      if (Below(10) == 0) bytes += Field(1);
    }
    return bytes;
  }
  void Damage(std::string* bytes) {
    const size_t at = Below(bytes->size() + 1);
    switch (Below(5)) {
      case 0:
        bytes->insert(at, 1, Byte());
        break;
      case 1:
        bytes->erase(at, Below(4));
        break;
      case 2:
        bytes->insert(at, bytes->substr(Below(bytes->size() + 1), Below(8)));
        break;
      default:
        if (at < bytes->size())
          (*bytes)[at] = Below(2) == 0 ? Byte() : static_cast<char>(Below(70));
    }
  }

 private:
  static constexpr uint64_t kTypes[] = {0,       kBytes,   kBytes, kVarint, kFixed64,
                                        kVarint, kFixed64, kBytes, kBytes,  kBytes};

  std::string Value(uint64_t field, uint64_t type, int depth) {
    switch (type) {
      case kVarint:
        return Varint(field == 3 ? Below(5) : Number());
      case kFixed64:
        return std::string(7, static_cast<char>(Below(2))) + Byte();
      case kBytes:
        return Delimited(field == 8 && depth > 0 && Below(8) != 0 ? Entry(depth) : Text());
      case kGroup:
        return (depth > 0 ? Fields(2, depth - 1) : "") + Tag(field, kEndGroup);
      case kFixed32:
        return "abcd";
      default:
        return "";
    }
  }
  std::string Entry(int depth) {
    std::string entry = Below(8) == 0 ? "" : weft::Text(1, "key" + std::to_string(Below(20)));
    if (Below(8) != 0) entry += weft::Text(2, Text());
    if (Below(8) == 0) entry += Fields(2, depth - 1);
    return entry;
  }
  static std::string Delimited(const std::string& bytes) { return Varint(bytes.size()) + bytes; }

  std::mt19937_64 random_;
};

class AnyMessage : public RowReaderTest {
 protected:
  static uint64_t Seed() {
    const char* const given = std::getenv("WEFT_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }

  const uint64_t seed_ = Seed();
  Chance chance_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, testing::Message() << "WEFT_TEST_SEED=" << seed_};
};

TEST_F(AnyMessage, IsReadAsTheGeneratedCodeReadsIt) {
  size_t messages = 0;
  for (int round = 0; round < 20'000 && !HasFailure(); ++round) {
    messages += IsMessage(chance_.Message()) ? 1 : 0;
  }
  EXPECT_GT(messages, 10'000u);
}

TEST_F(AnyMessage, IsReadAsTheGeneratedCodeReadsItWhenDamaged) {
  size_t messages = 0;
  constexpr size_t kRounds = 40'000;
  for (size_t round = 0; round < kRounds && !HasFailure(); ++round) {
    std::string bytes = chance_.Message();
    for (uint64_t count = 1 + chance_.Below(3); count > 0; --count) chance_.Damage(&bytes);
    messages += IsMessage(bytes) ? 1 : 0;
  }
  EXPECT_GT(messages, kRounds / 10);
  EXPECT_LT(messages, kRounds * 9 / 10);
}

TEST_F(AnyMessage, OfRandomBytesIsReadAsTheGeneratedCodeReadsIt) {
  for (int round = 0; round < 40'000 && !HasFailure(); ++round) {
    std::string bytes(chance_.Below(24), '\0');
    for (char& byte : bytes) {
      byte = chance_.Below(4) == 0 ? chance_.Byte() : static_cast<char>(chance_.Below(70));
    }
    Same(bytes);
    Same(Text(1, bytes));
    Same(Row(Text(8, bytes)));
  }
}

}  // namespace
}  // namespace weft
