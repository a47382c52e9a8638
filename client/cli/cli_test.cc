#include <gtest/gtest.h>

#include <sstream>

#include "client/cli/bench_report.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/filter_options.h"
#include "client/cli/output.h"
#include "client/cli/run_files.h"
#include "client/cli/summary_text.h"
#include "client/cli/task_options.h"
#include "client/status_convert.h"
#include "google/rpc/error_details.pb.h"

// Proves what people read and scripts parse: durations, lines, JSON, and exit codes.
namespace weft::cli {
namespace {

TEST(ParseDuration, ReadsEveryUnit) {
  EXPECT_EQ(*ParseDuration("250ns"), 250);
  EXPECT_EQ(*ParseDuration("5us"), 5'000);
  EXPECT_EQ(*ParseDuration("5µs"), 5'000);
  EXPECT_EQ(*ParseDuration("10ms"), 10'000'000);
  EXPECT_EQ(*ParseDuration("1.5s"), 1'500'000'000);
  EXPECT_EQ(*ParseDuration("2m"), 120'000'000'000);
  EXPECT_EQ(*ParseDuration("1h"), 3'600'000'000'000);
  EXPECT_EQ(*ParseDuration("0"), 0);
}

TEST(ParseDuration, RefusesWhatIsNoDurationAndSaysWhatIs) {
  for (const char* text : {"", "5", "ms", "-1s", "1.2.3s", "10 ms", "10parsec", "99999999999h"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.status().message().find("such as 10ms"), absl::string_view::npos);
  }
}

TEST(FormatDuration, PicksTheUnitThatReadsBest) {
  EXPECT_EQ(FormatDuration(0), "0 ns");
  EXPECT_EQ(FormatDuration(999), "999 ns");
  EXPECT_EQ(FormatDuration(3'100), "3.1 µs");
  EXPECT_EQ(FormatDuration(999'990), "1.0 ms");
  EXPECT_EQ(FormatDuration(12'400'000), "12.4 ms");
  EXPECT_EQ(FormatDuration(2'000'000'000), "2.0 s");
}

TEST(DigestLine, IsWhatSha256sumPrints) {
  EXPECT_EQ(DigestLine("ab12", "a file"), "ab12  a file\n");
  EXPECT_EQ(DigestLine("ab12", "a\\b"), "\\ab12  a\\\\b\n");
  EXPECT_EQ(DigestLine("ab12", "a\nb"), "\\ab12  a\\nb\n");
}

TEST(ToJson, PrintsDefaultsAndLargeNumbersAsStrings) {
  v1::TaskResult result;
  result.set_task_id(uint64_t{1} << 60);
  const std::string json = ToJson(result, false);
  EXPECT_NE(json.find("\"task_id\":\"1152921504606846976\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"suspended_ns\":\"0\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"success\":false"), std::string::npos) << json;
}

TEST(LedgerLine, NeverSendsATerminalWhatItObeys) {
  v1::TaskResult result;
  result.set_state(v1::TASK_STATE_FAILED);
  result.mutable_error()->set_message("red \x1b[31mgr\xc3\xbcn\a");
  EXPECT_NE(LedgerLine(result).find("red \\x1b[31mgr\xc3\xbcn\\x07"), std::string::npos)
      << LedgerLine(result);
}

TEST(AddTaskId, TakesDecimalNumbersOnly) {
  const auto parse = [](const std::string& text) {
    CLI::App app;
    uint64_t id = 0;
    AddTaskId(&app, &id);
    app.parse("-- " + text);
    return id;
  };
  EXPECT_EQ(parse("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse("010"), 10u);
  for (const char* text : {"-1", "0x10", "18446744073709551616", "1x", "+1"}) {
    EXPECT_THROW(parse(text), CLI::ValidationError) << text;
  }
}

TEST(OutputForPeople, KeepsTextAndCountsBytes) {
  EXPECT_EQ(OutputForPeople("grüß dich\n"), "grüß dich\n");
  EXPECT_EQ(OutputForPeople(std::string("\0\1", 2)),
            "2 bytes that are not text (--raw writes them)");
  EXPECT_EQ(OutputForPeople("\xC3"), "1 bytes that are not text (--raw writes them)");
}

TEST(LedgerLine, TellsWhereTheTimeWent) {
  v1::TaskResult result;
  result.set_task_id(7);
  result.set_state(v1::TASK_STATE_EXPIRED);
  result.set_core(1);
  result.set_priority(v1::PRIORITY_HIGH);
  result.set_queue_latency_ns(3'100);
  result.set_execution_latency_ns(12'400);
  result.set_suspended_ns(2'000);
  result.set_total_latency_ns(15'500);
  result.mutable_error()->set_code(v1::TASK_ERROR_CODE_DEADLINE_EXCEEDED);
  result.mutable_error()->set_message("the timeout of 10 µs passed");
  EXPECT_EQ(LedgerLine(result),
            "task 7 expired on core 1 (high): queued 3.1 µs, ran 12.4 µs (suspended 2.0 µs), total "
            "15.5 µs; deadline_exceeded: the timeout of 10 µs passed");
}

TEST(LedgerLine, TellsOfALongRunHowMuchOfItHadNoCpu) {
  v1::TaskResult result;
  result.set_task_id(7);
  result.set_state(v1::TASK_STATE_SUCCEEDED);
  result.set_priority(v1::PRIORITY_LOW);
  result.set_execution_latency_ns(12'400'000);
  result.set_total_latency_ns(12'400'000);
  result.set_off_core_ns(11'000'000);
  EXPECT_EQ(LedgerLine(result),
            "task 7 succeeded on core 0 (low): queued 0 ns, ran 12.4 ms, total 12.4 ms; unusually "
            "long, at most 11.0 ms of it without a CPU");
  result.set_off_core_ns(0);
  EXPECT_NE(LedgerLine(result).find("long, at most 0 ns of it"), std::string::npos);
}

v1::TaskSummary Summary() {
  v1::TaskSummary task;
  task.set_handler("echo");
  task.mutable_result()->set_task_id(7);
  task.mutable_result()->set_state(v1::TASK_STATE_SUCCEEDED);
  task.mutable_result()->set_core(1);
  task.mutable_result()->set_priority(v1::PRIORITY_NORMAL);
  task.mutable_result()->set_queue_latency_ns(3'100);
  task.mutable_result()->set_execution_latency_ns(12'400'000);
  task.mutable_result()->set_total_latency_ns(12'403'100);
  (*task.mutable_labels())["b"] = "two\n";
  (*task.mutable_labels())["a"] = "1";
  return task;
}

TEST(SummaryRow, StandsBelowItsHeader) {
  EXPECT_EQ(SummaryHeader(),
            "task                 state     handler      core     queued        ran  labels\n");
  EXPECT_EQ(
      SummaryRow(Summary()),
      "7                    succeeded echo            1     3.1 µs    12.4 ms  a=1 b=two\\n\n");
  v1::TaskSummary queued = Summary();
  queued.mutable_result()->set_state(v1::TASK_STATE_QUEUED);
  queued.mutable_result()->set_queue_latency_ns(0);
  queued.mutable_result()->set_execution_latency_ns(0);
  queued.clear_labels();
  EXPECT_EQ(SummaryRow(queued),
            "7                    queued    echo            1          -          -\n");
}

TEST(EventLine, SaysWhatHappenedToWhichTask) {
  v1::TaskEvent event;
  *event.mutable_task() = Summary();
  event.set_kind(v1::TASK_EVENT_KIND_ACCEPTED);
  EXPECT_EQ(EventLine(event), "accepted echo a=1 b=two\\n: task 7 on core 1 (normal)\n");
  event.set_kind(v1::TASK_EVENT_KIND_ENDED);
  EXPECT_EQ(EventLine(event),
            "ended    echo a=1 b=two\\n: task 7 succeeded on core 1 (normal): queued 3.1 µs, ran "
            "12.4 ms, total 12.4 ms\n");
}

TEST(FilterOptions, BecomeAFilter) {
  CLI::App app;
  FilterOptions options;
  AddFilterOptions(&app, &options);
  app.parse("--state failed --state expired --handler echo --core 0 --label a=1 --label b=x=y");
  const v1::TaskFilter filter = MakeFilter(options);
  ASSERT_EQ(filter.states_size(), 2);
  EXPECT_EQ(filter.states(1), v1::TASK_STATE_EXPIRED);
  EXPECT_EQ(filter.handler(), "echo");
  EXPECT_TRUE(filter.has_core());
  EXPECT_EQ(filter.labels().at("a"), "1");
  EXPECT_EQ(filter.labels().at("b"), "x=y");
  FilterOptions none;
  EXPECT_FALSE(MakeFilter(none).has_core());
}

TEST(FilterOptions, RefuseWhatIsNoStateOrLabel) {
  for (const char* text : {"--state done", "--label a", "--label =1", "--core -1"}) {
    CLI::App app;
    FilterOptions options;
    AddFilterOptions(&app, &options);
    EXPECT_THROW(app.parse(text), CLI::ValidationError) << text;
  }
}

TEST(TaskOptions, TakeLabelsAndAKeyOrACore) {
  CLI::App app;
  TaskOptions options;
  AddTaskOptions(&app, &options);
  app.parse("--label app=shop --label tier=web --affinity customer-17");
  const auto spec = MakeSpec(options);
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->labels().at("tier"), "web");
  EXPECT_EQ(spec->affinity_key(), "customer-17");
  EXPECT_FALSE(spec->has_core());
  CLI::App both;
  TaskOptions twice;
  AddTaskOptions(&both, &twice);
  EXPECT_THROW(both.parse("--affinity k --core 1"), CLI::ExcludesError);
}

TEST(TaskOptions, LeaveTheIoPriorityToTheTaskUnlessItIsGiven) {
  CLI::App app;
  TaskOptions options;
  AddTaskOptions(&app, &options);
  app.parse("--priority high");
  EXPECT_EQ(MakeSpec(options)->io_priority(), v1::PRIORITY_UNSPECIFIED);
  app.parse("--io-priority low");
  EXPECT_EQ(MakeSpec(options)->io_priority(), v1::PRIORITY_LOW);
  EXPECT_THROW(app.parse("--io-priority urgent"), CLI::ValidationError);
}

TEST(OpenFile, SaysWhyItCannotBeRead) {
  EXPECT_EQ(OpenFile("/nowhere").status().message(),
            "cannot read /nowhere: No such file or directory");
  EXPECT_EQ(OpenFile("/").status().message(), "cannot read /: Is a directory");
  EXPECT_EQ(ReadFile("/").status().message(), "cannot read /: Is a directory");
  EXPECT_TRUE(OpenFile("/dev/null").ok());
  EXPECT_EQ(*ReadFile("/dev/null"), "");
  EXPECT_EQ(ReadFile("/proc/self/comm")->back(), '\n');
}

TEST(ErrorLine, NamesTheAddressWhenNobodyAnswers) {
  const std::string line = ErrorLine(absl::UnavailableError("refused"), "127.0.0.1:1");
  EXPECT_EQ(line.rfind("weft: UNAVAILABLE: refused; no daemon answers at 127.0.0.1:1", 0), 0U)
      << line;
  EXPECT_NE(line.find("start one with weftd"), std::string::npos);
}

TEST(ErrorLine, NamesTheBoundAndWhenToTryAgain) {
  google::rpc::Status status;
  status.set_code(8);
  status.set_message("the queue is full");
  google::rpc::QuotaFailure quota;
  quota.add_violations()->set_subject("executor.max_queue_depth");
  status.add_details()->PackFrom(quota);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(2'000'000);
  status.add_details()->PackFrom(retry);
  EXPECT_EQ(ErrorLine(FromRpcStatus(status), "x:1"),
            "weft: RESOURCE_EXHAUSTED: the queue is full (bound executor.max_queue_depth); try "
            "again in 2.0 ms");
}

TEST(ExitCode, FollowsTheDocumentedTable) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 69);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 75);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), 124);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 1);
  EXPECT_EQ(ExitCodeOf(v1::TASK_STATE_SUCCEEDED), 0);
  EXPECT_EQ(ExitCodeOf(v1::TASK_STATE_FAILED), 1);
  EXPECT_EQ(ExitCodeOf(v1::TASK_STATE_CANCELLED), 1);
  EXPECT_EQ(ExitCodeOf(v1::TASK_STATE_EXPIRED), 1);
  EXPECT_EQ(ExitCodeOf(v1::TASK_STATE_RUNNING), 124);
}

TEST(BenchReportText, CountsEveryOutcomeByCode) {
  BenchReport report;
  report.succeeded = 3;
  report.refused[8] = 2;
  report.lost[14] = 1;
  std::ostringstream json;
  WriteBenchJson({}, "unary", report, json);
  EXPECT_NE(json.str().find("\"refused\": {\"RESOURCE_EXHAUSTED\": \"2\"}"), std::string::npos);
  EXPECT_NE(json.str().find("\"lost\": {\"UNAVAILABLE\": \"1\"}"), std::string::npos);
  EXPECT_EQ(BenchExitCode(report), kExitUnavailable);
}

TEST(BenchReportText, IsOkWhenADrainRefusedTheRest) {
  BenchReport report;
  report.succeeded = 3;
  report.refused[14] = 2;
  EXPECT_EQ(BenchExitCode(report), kExitOk);
  report.succeeded = 0;
  EXPECT_EQ(BenchExitCode(report), kExitUnavailable);
}

TEST(Session, ReportsAMalformedTargetAsUsage) {
  Session session;
  session.target = "nowhere";
  session.WithClient([](Client&) { return 0; });
  EXPECT_EQ(session.exit_code, kExitUsage);
}

}  // namespace
TEST(ReloadText, TellsWhatHoldsNowAndWhatHoldsLater) {
  v1::ReloadConfigResponse answer;
  std::ostringstream nothing;
  WriteReload(answer, nothing);
  EXPECT_EQ(nothing.str(), "nothing has changed\n");
  v1::ConfigChange* change = answer.add_applied();
  change->set_key("log.level");
  change->set_old_value("\"info\"");
  change->set_new_value("\"warn\"");
  *answer.add_needs_restart() = *change;
  answer.add_needs_restart()->set_key("executor.stacks");
  std::ostringstream out;
  WriteReload(answer, out);
  EXPECT_EQ(out.str(),
            "holds from now on:\n  log.level  \"info\" -> \"warn\"\nholds from the next start on:\n"
            "  log.level        \"info\" -> \"warn\"\n  executor.stacks   -> \n");
  v1::ReloadConfigResponse warned;
  warned.add_warnings("a.toml:1:2: no such CPU");
  std::ostringstream warnings;
  WriteReload(warned, warnings);
  EXPECT_EQ(warnings.str(), "nothing has changed\nwarning: a.toml:1:2: no such CPU\n");
}

TEST(ReloadText, TellsEachMistakeInALine) {
  EXPECT_EQ(ReloadError(absl::InvalidArgumentError("a\nb")),
            "weft: the daemon keeps the configuration it has; the new one has 2 mistakes:\na\nb");
}

}  // namespace weft::cli
