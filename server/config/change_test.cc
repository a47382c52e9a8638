// What reading the configuration again comes to: which keys change, which wait for a restart, and
// when neither may.
#include "config/change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

LoadedConfig Loaded(const std::string& toml) { return *ParseConfig({"weftd.toml", toml}); }

std::string Text(const std::vector<ConfigChange>& changes) {
  std::string text;
  for (const ConfigChange& change : changes) {
    text += std::string(change.key) + ": " + change.old_value + " -> " + change.new_value + "\n";
  }
  return text;
}

TEST(UpdateConfig, TakesOverLiveKeysAndNamesTheOthers) {
  const LoadedConfig running = Loaded("results.max_age_s = 5\nexecutor.stacks = 3\n");
  const auto update =
      UpdateConfig(running, Loaded("log.level = \"warn\"\nexecutor.stacks = 4\nrpc.listen = []\n"));
  ASSERT_TRUE(update.ok()) << update.status();
  EXPECT_EQ(Text(update->applied),
            "results.max_age_s: 5 -> 600\nlog.level: \"info\" -> \"warn\"\n");
  EXPECT_EQ(Text(update->needs_restart),
            "executor.stacks: 3 -> 4\nrpc.listen: [\"127.0.0.1:7411\"] -> []\n");
  EXPECT_EQ(update->next.config.dispatch.results_max_age_ns, 600'000'000'000);
  EXPECT_EQ(update->next.config.daemon.log_level, LogLevel::kWarn);
  EXPECT_EQ(update->next.config.core.stacks, 3u);
}

TEST(UpdateConfig, IsEmptyWhenNothingChangedButPlaces) {
  const auto update =
      UpdateConfig(Loaded("rpc.listen = \"127.0.0.1:1\"\nlog.level = \"warn\"\n"),
                   Loaded("\n\nlog.level = \"warn\"\nrpc.listen = [\"127.0.0.1:1\"]\n"));
  ASSERT_TRUE(update.ok());
  EXPECT_THAT(update->applied, IsEmpty());
  EXPECT_THAT(update->needs_restart, IsEmpty());
}

TEST(UpdateConfig, NamesAKeyThatWaitsUntilTheStartBringsIt) {
  const LoadedConfig running = Loaded("executor.stacks = 3\n");
  const LoadedConfig fresh = Loaded("executor.stacks = 4\n");
  const auto once = UpdateConfig(running, fresh);
  EXPECT_EQ(Text(UpdateConfig(once->next, fresh)->needs_restart), "executor.stacks: 3 -> 4\n");
  EXPECT_EQ(Text(UpdateConfig(once->next, running)->needs_restart), "");
}

TEST(UpdateConfig, RefusesLiveKeysThatContradictWhatHoldsUntilARestart) {
  const auto update = UpdateConfig(
      Loaded(""), Loaded("limits.max_payload_bytes = 10\nlimits.max_in_flight_bytes = 20\n"));
  EXPECT_EQ(update.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(update.status().message()),
              AllOf(HasSubstr("weftd.toml:2:30: limits.max_in_flight_bytes: 20 is not right"),
                    HasSubstr("until a restart, as limits.max_payload_bytes changes only then")));
}

}  // namespace
}  // namespace weft
