// HandlerRegistry: names found and refused, the order of rows, and the near name for a wrong one.
#include "handlers/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "handlers/fake_context.h"
#include "task/limits.h"

namespace weft {
namespace {

class NamedHandler final : public Handler {
 public:
  explicit NamedHandler(std::string name, bool never_suspends = true)
      : name_(std::move(name)), never_suspends_(never_suspends) {}
  std::string_view name() const override { return name_; }
  std::string_view help() const override { return "answers with its name"; }
  bool never_suspends() const override { return never_suspends_; }
  TaskOutcome Run(TaskContext& context) override {
    context.output() = name_;
    return TaskOutcome::kSucceeded;
  }

 private:
  std::string name_;
  bool never_suspends_;
};

absl::Status Add(HandlerRegistry& registry, std::string name) {
  return registry.Register(std::make_unique<NamedHandler>(std::move(name)));
}

TEST(HandlerRegistry, FindsEachByItsNameAndRunsIt) {
  HandlerRegistry registry;
  for (const char* name : {"middle", "alpha", "zeta", "a", "file.read"}) {
    ASSERT_TRUE(Add(registry, name).ok());
  }
  for (const char* name : {"middle", "alpha", "zeta", "a", "file.read"}) {
    const TaskEntry* const entry = registry.Find(name);
    ASSERT_NE(entry, nullptr) << name;
    FakeContext context("");
    EXPECT_EQ(entry->run(entry->state, context), TaskOutcome::kSucceeded);
    EXPECT_EQ(context.result(), name);
  }
}

TEST(HandlerRegistry, FindsNothingUnderOtherNames) {
  HandlerRegistry registry;
  EXPECT_EQ(registry.Find("echo"), nullptr);
  ASSERT_TRUE(Add(registry, "echo").ok());
  for (const char* name : {"", "ech", "echoo", "Echo", "zz"}) {
    EXPECT_EQ(registry.Find(name), nullptr) << name;
  }
}

TEST(HandlerRegistry, KeepsRowsInOrderWithDenseIndexesAndStableAddresses) {
  HandlerRegistry registry;
  ASSERT_TRUE(Add(registry, "second-name").ok());
  const TaskEntry* const first = registry.Find("second-name");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Add(registry, "h" + std::to_string(i)).ok());
  EXPECT_EQ(registry.Find("second-name"), first);
  for (size_t i = 0; i < registry.rows().size(); ++i) {
    EXPECT_EQ(registry.rows()[i].entry.index, i);
  }
  EXPECT_EQ(registry.rows()[1].handler->name(), "h0");
}

TEST(HandlerRegistry, CarriesTheNeverSuspendsPromise) {
  HandlerRegistry registry;
  ASSERT_TRUE(registry.Register(std::make_unique<NamedHandler>("plain", true)).ok());
  ASSERT_TRUE(registry.Register(std::make_unique<NamedHandler>("waits", false)).ok());
  EXPECT_TRUE(registry.Find("plain")->never_suspends);
  EXPECT_FALSE(registry.Find("waits")->never_suspends);
}

TEST(HandlerRegistry, RefusesMalformedNames) {
  HandlerRegistry registry;
  for (const std::string& name : {std::string(), std::string("Upper"), std::string("a b"),
                                  std::string("a/b"), std::string(kMaxHandlerNameBytes + 1, 'x')}) {
    const absl::Status status = Add(registry, name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("[a-z0-9._-]"));
  }
  EXPECT_TRUE(Add(registry, std::string(kMaxHandlerNameBytes, 'x')).ok());
  EXPECT_EQ(registry.rows().size(), 1u);
}

TEST(HandlerRegistry, RefusesANameThatIsTaken) {
  HandlerRegistry registry;
  ASSERT_TRUE(Add(registry, "echo").ok());
  EXPECT_EQ(Add(registry, "echo").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(registry.rows().size(), 1u);
}

TEST(HandlerRegistry, RefusesOneBeyondItsBound) {
  HandlerRegistry registry;
  for (size_t i = 0; i < kMaxHandlers; ++i) {
    ASSERT_TRUE(Add(registry, "h" + std::to_string(i)).ok());
  }
  EXPECT_EQ(Add(registry, "more").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(registry.Find("more"), nullptr);
}

TEST(HandlerRegistry, NearestIsWithinTwoEdits) {
  HandlerRegistry registry;
  for (const char* name : {"echo", "sha256", "sleep"}) ASSERT_TRUE(Add(registry, name).ok());
  EXPECT_EQ(registry.Nearest("ecko"), "echo");
  EXPECT_EQ(registry.Nearest("ehco"), "echo");
  EXPECT_EQ(registry.Nearest("sha-256"), "sha256");
  EXPECT_EQ(registry.Nearest("slep"), "sleep");
  EXPECT_EQ(registry.Nearest("sha512"), "");
  EXPECT_EQ(registry.Nearest("thumbnail"), "");
  EXPECT_EQ(registry.Nearest(std::string(1000, 's')), "");
}

}  // namespace
}  // namespace weft
