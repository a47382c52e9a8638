// Reading the configuration again: what is taken over, what is answered and logged, and that a
// mistake, a missing file or a Door that has ended change nothing. The test plays the Door.
#include "daemon/config_reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ConfigReloaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-reload-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    file_ = folder_ + "/weftd.toml";
  }
  void TearDown() override {
    reloader_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Write(const std::string& toml) { std::ofstream(file_) << toml; }

  void Build() {
    options_.running = *LoadConfig(options_.sources);
    options_.before = [this] { steps_.push_back("before"); };
    options_.after = [this] {
      steps_.push_back("after");
      after_.set_value();
    };
    options_.apply = [this](const Config& config) {
      steps_.push_back("apply");
      applied_ = config;
    };
    if (!options_.post) {
      options_.post = [](DoorErrand& errand) {
        errand.Run();
        return true;
      };
    }
    options_.unix_time_s = [this] { return ++time_s_; };
    reloader_.emplace(options_, log_);
    ASSERT_TRUE(reloader_->Start().ok());
  }

  // Asks and waits until the reload is over; the answer is empty when none was given.
  std::optional<ReloadOutcome> Reload() {
    after_ = std::promise<void>();
    std::optional<ReloadOutcome> answer;
    reloader_->Request("test", [&](const ReloadOutcome& outcome) { answer.emplace(outcome); });
    after_.get_future().wait();
    return answer;
  }

  // The counts of one scrape.
  std::string Metrics() const {
    class Writer final : public MetricWriter {
     public:
      void WriteCounter(const MetricDescription&, MetricLabels labels, double value) override {
        text << labels.begin()->value << " " << value << "\n";
      }
      void WriteGauge(const MetricDescription&, MetricLabels, double value) override {
        text << "last " << value << "\n";
      }
      void WriteHistogram(const MetricDescription&, MetricLabels,
                          const HistogramSnapshot&) override {}
      std::ostringstream text;
    } writer;
    reloader_->Collect(writer);
    return writer.text.str();
  }

  std::string folder_;
  std::string file_;
  std::ostringstream out_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)};
  ConfigReloader::Options options_;
  std::vector<std::string> steps_;
  std::promise<void> after_;
  Config applied_;
  int64_t time_s_ = 100;
  std::optional<ConfigReloader> reloader_;
};

TEST_F(ConfigReloaderTest, AppliesLiveKeysAndNamesTheOthers) {
  Write("results.max_age_s = 5\n");
  options_.sources.file = file_;
  Build();
  Write("results.max_age_s = 6\nexecutor.stacks = 7\n");
  const auto answer = Reload();
  ASSERT_TRUE(answer.has_value() && answer->ok());
  EXPECT_EQ((*answer)->applied[0].key, "results.max_age_s");
  EXPECT_EQ((*answer)->needs_restart[0].key, "executor.stacks");
  EXPECT_THAT(steps_, ElementsAre("before", "apply", "after"));
  EXPECT_EQ(applied_.dispatch.results_max_age_ns, 6'000'000'000);
  EXPECT_EQ(applied_.core.stacks, 256u);
  EXPECT_THAT(out_.str(), HasSubstr("config_reloaded cause=test applied=1 needs_restart=1\n"));
  EXPECT_THAT(out_.str(), HasSubstr("info config_applied key=results.max_age_s from=5 to=6\n"));
  EXPECT_THAT(out_.str(), HasSubstr("warn config_needs_restart key=executor.stacks from=256"));
  EXPECT_EQ(Metrics(), "ok 1\nerror 0\nlast 102\n");
}

TEST_F(ConfigReloaderTest, RemembersWhatItHasApplied) {
  Write("");
  options_.sources.file = file_;
  Build();
  Write("results.max_age_s = 6\nexecutor.stacks = 7\n");
  ASSERT_TRUE(Reload()->ok());
  const auto again = Reload();
  ASSERT_TRUE(again->ok());
  EXPECT_TRUE((*again)->applied.empty());
  EXPECT_EQ((*again)->needs_restart.size(), 1u);
  Write("");
  const auto back = Reload();
  EXPECT_EQ((*back)->applied.size(), 1u);
  EXPECT_TRUE((*back)->needs_restart.empty());
}

TEST_F(ConfigReloaderTest, ChangesNothingWhenAnythingIsWrong) {
  Write("");
  options_.sources.file = file_;
  Build();
  Write("results.max_age_s = 6\nlog.level = \"loud\"\nlimits.max_waiter = 1\n");
  const auto answer = Reload();
  EXPECT_EQ(answer->status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(steps_, ElementsAre("before", "after"));
  EXPECT_THAT(out_.str(), HasSubstr("error config_not_reloaded cause=test mistakes=2"));
  EXPECT_THAT(out_.str(),
              HasSubstr("error config_mistake mistake=\"" + file_ + ":2:13: log.level"));
  EXPECT_THAT(out_.str(), HasSubstr("error config_mistake mistake=\"" + file_ + ":3:8: limits."));
  EXPECT_EQ(Metrics(), "ok 0\nerror 1\nlast 101\n");
}

TEST_F(ConfigReloaderTest, WarnsOfWhatTheNextStartWouldNotBeGranted) {
  Write("");
  options_.sources.file = file_;
  options_.warn = [](const LoadedConfig& fresh) {
    return std::vector<std::string>{"no " + fresh.config.handlers.file_root};
  };
  Build();
  Write("handlers.file_root = \"/nowhere\"\n");
  const auto answer = Reload();
  ASSERT_TRUE(answer->ok());
  EXPECT_THAT((*answer)->warnings, ElementsAre("no /nowhere"));
  EXPECT_EQ((*answer)->next.config.handlers.file_root, "");
  EXPECT_THAT(out_.str(), HasSubstr("warn config_start_would_fail warning=\"no /nowhere\"\n"));
}

TEST_F(ConfigReloaderTest, KeepsTheEnvironmentAndTheSettingsOfTheStart) {
  Write("");
  options_.sources = {.file = file_,
                      .environment = {"WEFT_RESULTS_MAX_AGE_S=7"},
                      .settings = {"results.max_bytes=8"}};
  Build();
  Write("results.max_age_s = 6\nresults.max_bytes = 6\n");
  const auto answer = Reload();
  ASSERT_TRUE(answer->ok());
  EXPECT_TRUE((*answer)->applied.empty());
}

TEST_F(ConfigReloaderTest, SaysThatThereIsNoFile) {
  Build();
  EXPECT_EQ(Reload()->status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(out_.str(), HasSubstr("started without --config"));
}

TEST_F(ConfigReloaderTest, IsNotHeldUpByAFileThatBecameAPipe) {
  Write("");
  options_.sources.file = file_;
  Build();
  std::filesystem::remove(file_);
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  EXPECT_THAT(std::string(Reload()->status().message()), HasSubstr("not a regular file"));
}

TEST_F(ConfigReloaderTest, TellsNobodyWhenTheDoorHasEnded) {
  Write("");
  options_.sources.file = file_;
  options_.post = [](DoorErrand&) { return false; };
  Build();
  EXPECT_FALSE(Reload().has_value());
  EXPECT_EQ(Metrics(), "ok 0\nerror 0\nlast 101\n");
}

TEST_F(ConfigReloaderTest, EndsThoughTheDoorNeverRanItsErrand) {
  Write("");
  options_.sources.file = file_;
  std::promise<void> posted;
  options_.post = [&posted](DoorErrand&) {
    posted.set_value();
    return true;
  };
  Build();
  reloader_->Request("test", {});
  posted.get_future().wait();
  reloader_.reset();
  EXPECT_THAT(out_.str(), Not(HasSubstr("config_reloaded")));
}

TEST_F(ConfigReloaderTest, AnswersTogetherWhoAskedMeanwhile) {
  Write("");
  options_.sources.file = file_;
  std::promise<void> reading;
  std::promise<void> go_on;
  int posts = 0;
  options_.post = [&](DoorErrand& errand) {
    if (++posts == 1) {
      reading.set_value();
      go_on.get_future().wait();
    }
    errand.Run();
    return true;
  };
  Build();
  std::atomic<int> answers{0};
  std::promise<void> all;
  const auto answer = [&](const ReloadOutcome&) {
    if (answers.fetch_add(1) == 3) all.set_value();
  };
  options_.after = [] {};
  reloader_.emplace(options_, log_);
  ASSERT_TRUE(reloader_->Start().ok());
  reloader_->Request("test", answer);
  reading.get_future().wait();
  for (int i = 0; i < 3; ++i) reloader_->Request("test", answer);
  go_on.set_value();
  all.get_future().wait();
  reloader_.reset();
  EXPECT_EQ(posts, 2);
}

}  // namespace
}  // namespace weft
