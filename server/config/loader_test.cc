// Loading a configuration: what wins over what, where each value lands, and what each mistake says.
#include "config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Config Good(const std::string& toml, const std::vector<std::string>& settings = {}) {
  const auto loaded = ParseConfig({"weftd.toml", toml}, {.settings = settings});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return loaded.ok() ? loaded->config : Config();
}

std::vector<std::string> Mistakes(const std::string& toml,
                                  const std::vector<std::string>& settings = {},
                                  const std::vector<std::string>& environment = {}) {
  const auto loaded =
      ParseConfig({"weftd.toml", toml}, {.environment = environment, .settings = settings});
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
  return absl::StrSplit(std::string(loaded.status().message()), '\n');
}

const ConfigEntry& Entry(const LoadedConfig& loaded, std::string_view key) {
  return loaded.entries[static_cast<size_t>(FindConfigRow(key) - ConfigRows().data())];
}

TEST(LoadConfig, HasADefaultForEverything) {
  const auto loaded = LoadConfig({});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const Config* const config = &loaded->config;
  EXPECT_EQ(config->cores.cpus, std::nullopt);
  EXPECT_EQ(config->cores.worker_threads, 0);
  EXPECT_EQ(config->core.idle, IdlePolicy::kAdaptive);
  EXPECT_EQ(config->core.spin_us, 50u);
  EXPECT_EQ(config->core.max_queue_depth, 10'000u);
  EXPECT_EQ(config->core.stack_bytes, 65'536u);
  EXPECT_EQ(config->dispatch.target_latency_ns, 5'000);
  EXPECT_EQ(config->dispatch.results_max_age_ns, 600'000'000'000);
  EXPECT_EQ(config->dispatch.max_wait_ns, 300'000'000'000);
  EXPECT_EQ(config->dispatch.max_payload_bytes, 4u * 1024 * 1024);
  EXPECT_EQ(config->dispatch.max_in_flight_bytes, 256u * 1024 * 1024);
  EXPECT_THAT(config->rpc.listen, ElementsAre("127.0.0.1:7411"));
  EXPECT_EQ(config->rpc.unix_socket, "auto");
  EXPECT_EQ(config->web.listen, "127.0.0.1:7412");
  EXPECT_EQ(config->daemon.drain_limit_ns, 10'000'000'000);
  EXPECT_EQ(config->daemon.log_level, LogLevel::kInfo);
  EXPECT_EQ(config->daemon.log_format, LogFormat::kText);
  EXPECT_FALSE(config->daemon.insecure);
}

TEST(LoadConfig, TakesValuesFromTheFile) {
  const Config config = Good(R"(
    [executor]
    cores = [1, 3]
    idle = "spin"
    timing_metrics = false
    max_queue_depth = 7
    [rpc]
    listen = ["127.0.0.1:1", "[::1]:2"]
    unix_socket = ""
    [limits]
    max_payload_bytes = 1_000
    [daemon]
    drain_limit_s = 2
    [log]
    level = "error"
    format = "json"
    [security]
    insecure = true
  )");
  EXPECT_THAT(*config.cores.cpus, ElementsAre(CpuName{.number = 1}, CpuName{.number = 3}));
  EXPECT_EQ(config.core.idle, IdlePolicy::kSpin);
  EXPECT_FALSE(config.core.timing_metrics);
  EXPECT_FALSE(config.dispatch.timing_metrics);
  EXPECT_EQ(config.core.max_queue_depth, 7u);
  EXPECT_EQ(config.dispatch.max_queue_depth, 7u);
  EXPECT_THAT(config.rpc.listen, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_EQ(config.rpc.unix_socket, "");
  EXPECT_EQ(config.dispatch.max_payload_bytes, 1'000u);
  EXPECT_EQ(config.core.max_output_bytes, 1'000u);
  EXPECT_EQ(config.rpc.max_payload_bytes, 1'000u);
  EXPECT_EQ(config.daemon.drain_limit_ns, 2'000'000'000);
  EXPECT_EQ(config.daemon.log_level, LogLevel::kError);
  EXPECT_EQ(config.daemon.log_format, LogFormat::kJson);
  EXPECT_TRUE(config.daemon.insecure);
}

TEST(LoadConfig, LetsASettingWinOverTheFileAndTheLastSettingOverOthers) {
  const Config config = Good("executor.spin_us = 1\nexecutor.stacks = 2\n",
                             {"executor.spin_us=10", "executor.spin_us=11"});
  EXPECT_EQ(config.core.spin_us, 11u);
  EXPECT_EQ(config.core.stacks, 2u);
}

TEST(LoadConfig, TakesBareWordsInSettingsAsStrings) {
  const Config config = Good(
      "", {"executor.idle=sleep", "rpc.unix_socket=/tmp/a b.sock",
           "web.listen=", "rpc.listen=127.0.0.1:0", "log.format=\"json\"", "executor.cores=[0]"});
  EXPECT_EQ(config.core.idle, IdlePolicy::kSleep);
  EXPECT_EQ(config.rpc.unix_socket, "/tmp/a b.sock");
  EXPECT_EQ(config.web.listen, "");
  EXPECT_THAT(config.rpc.listen, ElementsAre("127.0.0.1:0"));
  EXPECT_EQ(config.daemon.log_format, LogFormat::kJson);
  EXPECT_THAT(*config.cores.cpus, ElementsAre(CpuName{.number = 0}));
}

TEST(LoadConfig, TakesCpusByWhereTheySit) {
  const CpuName all{.kind = CpuName::Kind::kPackage, .number = 1};
  const CpuName one{.kind = CpuName::Kind::kNumaNode, .number = 0, .place = 2};
  EXPECT_THAT(*Good("executor.cores = [\"p1\", \"n0:2\", \"7\"]\n").cores.cpus,
              ElementsAre(all, one, CpuName{.number = 7}));
  EXPECT_THAT(*Good("executor.cores = \"p1\"\n").cores.cpus, ElementsAre(all));
  EXPECT_THAT(*Good("", {"executor.cores=n0:2"}).cores.cpus, ElementsAre(one));
  EXPECT_EQ(Good("", {"executor.cores=auto"}).cores.cpus, std::nullopt);
}

TEST(LoadConfig, TellsAllMistakesAtOnceEachWithItsPlace) {
  EXPECT_THAT(
      Mistakes("[executor]\nspin_us = 99999\nidle = \"fast\"\nspin_ms = 1\n",
               {"log.level=loud", "nonsense"}),
      ElementsAre(
          "weftd.toml:2:11: executor.spin_us: 99999 is not right, expected a whole number from 0 "
          "to 10000 (microseconds)",
          "weftd.toml:3:8: executor.idle: \"fast\" is not right, expected one of \"spin\", "
          "\"adaptive\", \"sleep\"",
          "weftd.toml:4:1: executor.spin_ms: unknown key, did you mean executor.spin_us?",
          AllOf(StartsWith("--set: log.level: "), HasSubstr("loud"), HasSubstr("\"warn\"")),
          "--set: \"nonsense\" is not of the form KEY=VALUE"));
}

TEST(LoadConfig, RefusesValuesOfAnotherKind) {
  for (const char* toml :
       {"executor.spin_us = 1.5", "executor.spin_us = \"1\"", "executor.timing_metrics = 1",
        "executor.cores = [1, \"a\"]", "executor.cores = []", "rpc.listen = [1]",
        "rpc.unix_socket = 1", "web.listen = 1979-05-27", "executor.idle = { a = 1 }"}) {
    EXPECT_THAT(Mistakes(toml), ElementsAre(AllOf(StartsWith("weftd.toml:1:"),
                                                  HasSubstr("is not right, expected "))))
        << toml;
  }
}

TEST(LoadConfig, RefusesUnknownSectionsAndMisplacedOnes) {
  EXPECT_THAT(
      Mistakes("[exector]\nidle = \"spin\"\n"),
      ElementsAre("weftd.toml:2:1: exector.idle: unknown key, did you mean executor.idle?"));
  EXPECT_THAT(Mistakes("[nothing]\n"), ElementsAre(HasSubstr("nothing: unknown key")));
  EXPECT_THAT(Mistakes("executor = 3\n"),
              ElementsAre("weftd.toml:1:12: executor: 3 is not right here, expected a section "
                          "[executor]"));
  EXPECT_THAT(Mistakes("", {"executor.=1", "=1"}),
              ElementsAre(HasSubstr("executor.: unknown key"), HasSubstr("KEY=VALUE")));
}

TEST(LoadConfig, TellsThePlaceOfSyntaxErrorsAndDuplicates) {
  EXPECT_THAT(Mistakes("[executor]\nspin_us = = 3\n"), ElementsAre(StartsWith("weftd.toml:2:")));
  EXPECT_THAT(Mistakes("[executor]\nspin_us = 1\nspin_us = 2\n"),
              ElementsAre(AllOf(StartsWith("weftd.toml:3:"), HasSubstr("spin_us"))));
  EXPECT_THAT(Mistakes("", {"executor.cores=[1"}),
              ElementsAre(StartsWith("--set: executor.cores: [1 is not TOML: ")));
}

TEST(LoadConfig, DoesNotLetASettingSmuggleInAnother) {
  EXPECT_THAT(Mistakes("", {"executor.spin_us=1\nother = 2"}),
              ElementsAre(StartsWith("--set: executor.spin_us: ")));
}

TEST(LoadConfig, HoldsBoundsAgainstEachOther) {
  EXPECT_THAT(Mistakes("", {"limits.max_in_flight_bytes=1000"}),
              ElementsAre(AllOf(HasSubstr("limits.max_in_flight_bytes: 1000"),
                                HasSubstr("limits.max_payload_bytes, 4194304"))));
}

TEST(LoadConfig, NamesAFileThatCannotBeReadBesideOtherMistakes) {
  const auto loaded = LoadConfig({.file = "/nowhere/weftd.toml", .settings = {"log.level=loud"}});
  EXPECT_THAT(std::string(loaded.status().message()),
              AllOf(StartsWith("/nowhere/weftd.toml: cannot be read: No such file or directory\n"),
                    HasSubstr("\n--set: log.level: \"loud\"")));
}

TEST(LoadConfig, LetsTheEnvironmentWinOverTheFileAndASettingOverBoth) {
  const auto loaded =
      ParseConfig({"weftd.toml", "[executor]\nspin_us = 1\nstacks = 2\nage_limit_ms = 3\n"},
                  {.presets = {"executor.spin_us=9", "log.level=warn"},
                   .environment = {"WEFT_EXECUTOR_SPIN_US=10", "WEFT_EXECUTOR_STACKS=20"},
                   .settings = {"executor.spin_us=100"}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->config.core.spin_us, 100u);
  EXPECT_EQ(loaded->config.core.stacks, 20u);
  EXPECT_EQ(loaded->config.core.age_limit_ms, 3u);
  EXPECT_EQ(Entry(*loaded, "executor.spin_us").origin, "--set");
  EXPECT_EQ(Entry(*loaded, "executor.stacks").origin, "WEFT_EXECUTOR_STACKS");
  EXPECT_EQ(Entry(*loaded, "executor.age_limit_ms").origin, "weftd.toml:4:16");
  EXPECT_EQ(Entry(*loaded, "log.level").origin, "weftd dev");
  EXPECT_EQ(Entry(*loaded, "log.format").origin, "default");
}

TEST(LoadConfig, NamesTheVariableThatIsWrong) {
  EXPECT_THAT(
      Mistakes("", {},
               {"WEFT_EXECUTOR_SPIN_MS=1", "WEFT_EXECUTOR_SPIN_US=99999",
                "WEFT_EXECUTOR_NOTHING_LIKE_IT=1", "WEFT_RPC_LISTEN=[\"127.0.0.1:1\"",
                "WEFT_LOG_LEVEL="}),
      ElementsAre("WEFT_EXECUTOR_SPIN_MS: unknown variable, did you mean WEFT_EXECUTOR_SPIN_US?",
                  "WEFT_EXECUTOR_SPIN_US: executor.spin_us: 99999 is not right, expected a whole "
                  "number from 0 to 10000 (microseconds)",
                  "WEFT_EXECUTOR_NOTHING_LIKE_IT: unknown variable, expected the name of a key "
                  "after the section",
                  AllOf(StartsWith("WEFT_RPC_LISTEN: rpc.listen: ["), HasSubstr("is not TOML")),
                  StartsWith("WEFT_LOG_LEVEL: log.level: \"\" is not right")));
}

TEST(LoadConfig, LeavesVariablesOfOthersAlone) {
  const auto loaded = ParseConfig(
      {},
      {.environment = {"WEFT_TARGET=127.0.0.1:1", "WEFT_TEST_SEED=1", "WEFT_SERVICE_HOST=10.0.0.1",
                       "WEFT_PORT=tcp://10.0.0.1:7411", "WEFT_PORT_7411_TCP_PROTO=tcp",
                       "WEFT_WEB_PORT=tcp://10.0.0.1:7412", "WEFT_WEB_SERVICE_PORT_HTTP=7412",
                       "WEFT_RPC_PORT_7411_TCP_ADDR=10.0.0.1"}});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
}

TEST(LoadConfig, TellsMistakesOfAllKindsOfOneFileAtOnce) {
  EXPECT_THAT(
      Mistakes("[executor]\nspin_us = 1\nidle = spin\nspin_us = 2\n\n[limits]\nmax_waiters 7\n"
               "max_wait_s = 0\n\n[executor]\nstacks = 0\n[log]\nlevel = \"loud\"\n"),
      ElementsAre(
          "weftd.toml:3:8: executor.idle: spin is not right, expected quotes around a string: "
          "idle = \"spin\"",
          "weftd.toml:4:1: executor.spin_us: stands twice, first in line 2, expected once",
          StartsWith("weftd.toml:7:13: is not TOML: "),
          StartsWith("weftd.toml:8:14: limits.max_wait_s: 0 is not right"),
          StartsWith("weftd.toml:10:1: executor: the section stands twice, first in line 1"),
          StartsWith("weftd.toml:11:10: executor.stacks: 0 is not right"),
          StartsWith("weftd.toml:13:9: log.level: \"loud\"")));
}

TEST(LoadConfig, TellsMistakesAboveAndBelowAListThatIsNotClosed) {
  EXPECT_THAT(
      Mistakes("[executor]\nspin_us=-1\nidle=\"x\"\ncores = [0,\n[rpc]\nlisten=5\n"),
      ElementsAre(StartsWith("weftd.toml:2:9: executor.spin_us: -1 is not right"),
                  StartsWith("weftd.toml:3:6: executor.idle: \"x\" is not right"),
                  "weftd.toml:4:9: executor.cores: the value that begins in line 4 is not closed, "
                  "expected ] at its end",
                  StartsWith("weftd.toml:6:8: rpc.listen: 5 is not right")));
}

TEST(LoadConfig, ExaminesSectionsWhoseHeaderIsWrong) {
  EXPECT_THAT(Mistakes("[executor\nspin_us=-1\nidle=\"x\"\n"),
              ElementsAre(StartsWith("weftd.toml:1:10: is not TOML"),
                          StartsWith("weftd.toml:2:9: executor.spin_us: -1 is not right"),
                          StartsWith("weftd.toml:3:6: executor.idle: \"x\" is not right")));
  EXPECT_THAT(Mistakes("executor.spin_us=1\n[executor]\nbudget_us=-1\n"),
              ElementsAre(StartsWith("weftd.toml:2:1: executor: the section stands twice"),
                          StartsWith("weftd.toml:3:11: executor.budget_us: -1 is not right")));
}

TEST(LoadConfig, KeepsMessagesValidUtf8WhenItCutsAValue) {
  std::string value(79, 'a');
  for (int i = 0; i < 10; ++i) value += "\xc3\xa9";
  EXPECT_THAT(Mistakes("log.level = \"" + value + "\""),
              ElementsAre(HasSubstr(std::string(79, 'a') + "... is not right")));
}

}  // namespace
}  // namespace weft
