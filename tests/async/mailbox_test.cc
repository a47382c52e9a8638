// Mail is opened on the host's thread, in order, a bounded number a turn.
#include "core/mailbox.h"

#include <vector>

#include "async_fixture.h"

namespace weft {
namespace {

struct Letter : Mail {
  std::vector<int>* read = nullptr;
  int number = 0;
};

Letter MakeLetter(std::vector<int>* read, int number) {
  Letter letter;
  letter.read = read;
  letter.number = number;
  letter.open = [](Mail& mail) {
    auto& self = static_cast<Letter&>(mail);
    self.read->push_back(self.number);
  };
  return letter;
}

TEST(Mailbox, OpensTheOldestFirstAndNoMoreThanItMay) {
  std::vector<int> read;
  Mailbox mailbox;
  Letter letters[] = {MakeLetter(&read, 1), MakeLetter(&read, 2), MakeLetter(&read, 3)};
  EXPECT_TRUE(mailbox.empty());
  EXPECT_FALSE(mailbox.Open(2));
  for (Letter& letter : letters) mailbox.Push(letter);
  EXPECT_FALSE(mailbox.empty());
  EXPECT_TRUE(mailbox.Open(2));
  EXPECT_EQ(read, (std::vector<int>{1, 2}));
  EXPECT_FALSE(mailbox.empty());
  mailbox.Push(letters[0]);
  EXPECT_TRUE(mailbox.Open(2));
  EXPECT_EQ(read, (std::vector<int>{1, 2, 3})) << "what came later waits for its own call";
  EXPECT_TRUE(mailbox.Open(2));
  EXPECT_EQ(read, (std::vector<int>{1, 2, 3, 1}));
  EXPECT_TRUE(mailbox.empty());
}

using MailTest = AsyncTest;

TEST_F(MailTest, ACoreOpensItAtTheStartOfATurn) {
  std::vector<int> read;
  std::vector<Letter> letters;
  const int count = static_cast<int>(TurnIntake::kMostMail) + 1;
  for (int i = 0; i < count; ++i) letters.push_back(MakeLetter(&read, i));
  Elsewhere([&] {
    for (Letter& letter : letters) host().Deliver(letter);
  });
  EXPECT_TRUE(read.empty());
  EXPECT_TRUE(core_->Turn());
  EXPECT_EQ(read.size(), TurnIntake::kMostMail);
  EXPECT_TRUE(core_->Turn());
  ASSERT_EQ(read.size(), TurnIntake::kMostMail + 1);
  EXPECT_EQ(read.back(), count - 1);
  EXPECT_FALSE(core_->Turn());
}

TEST_F(MailTest, AHostKnowsItsThread) {
  EXPECT_EQ(TaskHost::Here(), core_.get());
  EXPECT_TRUE(host().IsHere());
  Elsewhere([&] {
    EXPECT_EQ(TaskHost::Here(), nullptr);
    EXPECT_FALSE(host().IsHere());
  });
  core_.reset();
  EXPECT_EQ(TaskHost::Here(), nullptr) << "it is gone";
}

}  // namespace
}  // namespace weft
