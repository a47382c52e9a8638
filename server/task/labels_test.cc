#include "task/labels.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "task/limits.h"

namespace weft {
namespace {

std::string Flat(std::initializer_list<Label> pairs) {
  std::string labels;
  for (const Label& pair : pairs) AppendLabel(pair, &labels);
  return labels;
}

TEST(Labels, GivesBackEveryPairInOrder) {
  const std::string longest_key(kMaxLabelKeyBytes, 'k');
  const std::string longest_value(kMaxLabelValueBytes, 'v');
  const std::string labels = Flat({{"a", ""}, {longest_key, longest_value}, {"z", "\xff"}});
  std::string_view rest = labels;
  EXPECT_EQ(TakeLabel(&rest).key, "a");
  const Label longest = TakeLabel(&rest);
  EXPECT_EQ(longest.key, longest_key);
  EXPECT_EQ(longest.value, longest_value);
  EXPECT_EQ(TakeLabel(&rest).key, "z");
  EXPECT_TRUE(rest.empty());
}

TEST(Labels, StayWithinTheirBound) {
  std::string labels;
  for (size_t i = 0; i < kMaxLabels; ++i) {
    const std::string key(kMaxLabelKeyBytes, static_cast<char>('a' + i));
    AppendLabel({key, std::string(kMaxLabelValueBytes, 'v')}, &labels);
  }
  EXPECT_EQ(labels.size(), kMaxLabelsBytes);
}

TEST(HasLabels, WantsEveryPairWithItsValue) {
  const std::string labels = Flat({{"app", "shop"}, {"tier", "web"}, {"zone", ""}});
  EXPECT_TRUE(HasLabels(labels, ""));
  EXPECT_TRUE(HasLabels(labels, labels));
  EXPECT_TRUE(HasLabels(labels, Flat({{"app", "shop"}})));
  EXPECT_TRUE(HasLabels(labels, Flat({{"tier", "web"}})));
  EXPECT_TRUE(HasLabels(labels, Flat({{"app", "shop"}, {"zone", ""}})));
  EXPECT_FALSE(HasLabels(labels, Flat({{"app", "sho"}})));
  EXPECT_FALSE(HasLabels(labels, Flat({{"app", ""}})));
  EXPECT_FALSE(HasLabels(labels, Flat({{"ap", "shop"}})));
  EXPECT_FALSE(HasLabels(labels, Flat({{"bpp", "shop"}})));
  EXPECT_FALSE(HasLabels(labels, Flat({{"zzz", "web"}})));
  EXPECT_FALSE(HasLabels(labels, Flat({{"tier", "web"}, {"zone", "x"}})));
  EXPECT_FALSE(HasLabels("", Flat({{"app", "shop"}})));
}

}  // namespace
}  // namespace weft
