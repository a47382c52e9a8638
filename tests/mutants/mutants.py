#!/usr/bin/python3
"""Proves that the tests are worth something: puts one deliberate defect at a time into a copy of
the tree, builds the one test target concerned and demands that a named test, which passes without
the defect, fails with it.

    tests/mutants/run.sh            all defects
    tests/mutants/run.sh retention  those whose name holds a word

The copy and its build stay in build/mutants, so that a second run is quick. A defect whose snippet
does not stand in its file exactly once is an error: the list below is then out of date.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
BUILD = WORK / "build"
TEST_LIMIT_S = 60


@dataclass(frozen=True)
class Mutant:
    name: str  # Where the defect is, and what it does.
    file: str
    original: str
    replacement: str
    target: str  # The test program.
    test: str  # The test that must fail.


MUTANTS = [
    Mutant(
        name="core: counts what handlers spawn among the Door's tasks",
        file="server/core/dispatch.h",
        original="  if (IsDoors(*task)) stats_.started",
        replacement="  stats_.started",
        target="weft_dispatch_test",
        test="DispatcherTest.WhatHandlersSpawnIsNoneOfItsTasksAndTakesNoneOfTheirPlaces",
    ),
    Mutant(
        name="forecast: forgets what runs on a core",
        file="server/dispatch/core_load.h",
        original="    uint64_t sum = LeftOfRun(now);\n    for (size_t level = 0; level <=",
        replacement="    uint64_t sum = 0 * LeftOfRun(now);\n    for (size_t level = 0; level <=",
        target="weft_dispatch_test",
        test="ForecastTest.CountsTheRestOfWhatRunsWhateverItsLevel",
    ),
    Mutant(
        name="admission: admits one task beyond the depth",
        file="server/dispatch/admission.cc",
        original="if (load.Queued(spec.priority) >= load.queue_depth_max) {",
        replacement="if (load.Queued(spec.priority) > load.queue_depth_max) {",
        target="weft_dispatch_test",
        test="AdmissionTest.RefusesTheTaskBeyondTheDepthOfItsLevelOnly",
    ),
    Mutant(
        name="admission: admits tasks that are alike if there is room for one",
        file="server/dispatch/admission.h",
        original="return load.Queued(priority) + count <= load.queue_depth_max &&",
        replacement="return load.Queued(priority) + (count > 0) <= load.queue_depth_max &&",
        target="weft_dispatch_test",
        test="SubmitAlikeTest.FillsAQueueToItsBoundAndNoFurther",
    ),
    Mutant(
        name="ends: one that is to be kept is told with others, and forgotten",
        file="server/dispatch/task_table.h",
        original="return live && !retain && !cancel_posted && labels_size == 0;",
        replacement="return live && !cancel_posted && labels_size == 0;",
        target="weft_dispatch_test",
        test="GatheredEndsTest.WhatIsNotPlainIsToldByItselfAndInItsPlace",
    ),
    Mutant(
        name="ends: those of two messages are told together",
        file="server/dispatch/gathered_ends.h",
        original="gatherer == gatherer_ && block == block_ &&",
        replacement="gatherer == gatherer_ &&",
        target="weft_dispatch_test",
        test="GatheredEndsTest.OnlyThoseOfOneMessageOneLevelAndOneOwnerAreToldTogether",
    ),
    Mutant(
        name="admission: takes new tasks while draining",
        file="server/dispatch/admission.cc",
        original="  if (draining_) {\n",
        replacement="  if (draining_ && spec.handler.empty()) {\n",
        target="weft_dispatch_test",
        test="DispatcherTest.RefusesNewTasksWhileDrainingAndFinishesTheHeld",
    ),
    Mutant(
        name="admission: takes a task for one of the handler before",
        file="server/dispatch/admission.cc",
        original="if (last_entry_ != nullptr && last_entry_->name == spec.handler) {",
        replacement="if (last_entry_ != nullptr && !spec.handler.empty()) {",
        target="weft_dispatch_test",
        test="AdmissionTest.FindsTheHandlerOfEachTaskWhateverTheOneBeforeNamed",
    ),
    Mutant(
        name="ids: an entry answers for every id that falls on it",
        file="server/dispatch/task_table.cc",
        original="if (entry.kind == Kind::kNone || entry.serial != id.serial()) return {};",
        replacement="if (entry.kind == Kind::kNone) return {};",
        target="weft_dispatch_test",
        test="TaskTable.NeverGivesAnOldIdToTheTaskThatReusedItsEntry",
    ),
    Mutant(
        name="ids: starts over the entry of a live task",
        file="server/dispatch/task_table.cc",
        original="next_serial_ != 0 && (entry.kind == Kind::kNone ||",
        replacement="next_serial_ != 0 && (entry.kind != Kind::kKept ||",
        target="weft_dispatch_test",
        test="TaskTable.SkipsTheEntriesOfLiveTasksAndKeptResults",
    ),
    Mutant(
        name="ledger: a start before the submission is told as it is",
        file="server/dispatch/task_times.cc",
        original="task.anchor.ToUnixNs(std::max(ended.started, task.submitted));",
        replacement="task.anchor.ToUnixNs(ended.started);",
        target="weft_dispatch_test",
        test="TaskTimes.ClampAStartBeforeTheSubmission",
    ),
    Mutant(
        name="ledger: converts the end with the anchor of now",
        file="server/dispatch/dispatcher.cc",
        original="  task.anchor = anchor_;\n",
        replacement="  task.anchor = env_.anchor();\n",
        target="weft_dispatch_test",
        test="DispatcherTest.ConvertsAllStampsOfATaskWithTheAnchorOfItsSubmission",
    ),
    Mutant(
        name="ledger: forgets that a queued task ended unstarted",
        file="server/dispatch/dispatcher.cc",
        original="    ++load.ended_unstarted[level];\n",
        replacement="",
        target="weft_dispatch_test",
        test="DispatcherTest.FreesTheDepthWhenAQueuedTaskEndsUnstarted",
    ),
    Mutant(
        name="cancel: the word of a slot is for every task of it",
        file="server/executor/cancel_word.h",
        original="return id.value() << kReasonBits;",
        replacement="return (id.value() << kReasonBits) & kReasonMask;",
        target="weft_dispatch_test",
        test="CancelTest.NeverReachesTheNextTaskOfItsSlot",
    ),
    Mutant(
        name="retention: keeps more bytes than it may",
        file="server/dispatch/retention.cc",
        original="if (bytes_ + bytes > options_.max_bytes) return DropBound::kBytes;",
        replacement="if (bytes_ > options_.max_bytes) return DropBound::kBytes;",
        target="weft_dispatch_test",
        test="Retention.AsksForTheOldestToGoWhenTheBytesAreReached",
    ),
    Mutant(
        name="waiters: lets any number wait",
        file="server/dispatch/dispatcher_ask.h",
        original="if (deadlines_.full()) {",
        replacement="if (deadlines_.full() && wait_ns < 0) {",
        target="weft_dispatch_test",
        test="WaitTest.RefusesTheWaiterBeyondTheBound",
    ),
    Mutant(
        name="drain: the Door goes while tasks are in flight",
        file="server/dispatch/door.cc",
        original=(
            "if (!dispatcher_.HasOpen() && !dispatcher_.HasStaged() && "
            "!dispatcher_.HasCompletions()) {\n    return now_ >= LingerUntil();"
        ),
        replacement=(
            "if (!dispatcher_.HasStaged() && !dispatcher_.HasCompletions()) {\n    return true;"
        ),
        target="weft_dispatch_test",
        test="DoorTest.RunsUntilTheDrainHasAnsweredEverything",
    ),
    Mutant(
        name="drain: nobody is asked to stop at the limit",
        file="server/dispatch/door.cc",
        original="  dispatcher_.CancelAll(CancelReason::kShutdown);\n",
        replacement="",
        target="weft_dispatch_test",
        test="DoorTest.AsksWhatIsHeldToStopAtTheDrainLimit",
    ),
    Mutant(
        name="cancel: a cancelled queued task stays queued and starts",
        file="server/core/intake.h",
        original="EndUnstarted(task, StopEnding(*task, "
        "cancels_[task->slot].ReasonFor(task->id)));\n  } else {\n    answer",
        replacement="\n  } else {\n    answer",
        target="weft_core_test",
        test="CoreTest.ACancelledQueuedTaskNeverStarts",
    ),
    Mutant(
        name="cancel: a suspended task sleeps on",
        file="server/core/intake.h",
        original="CutShort(task, WakeReason::kCancelled);",
        replacement="(void)answer;",
        target="weft_core_test",
        test="CoreTest.ACancelWakesASuspendedTask",
    ),
    Mutant(
        name="io: a cancelled task resumes before its operation is done",
        file="server/core/intake.h",
        original="  if (task->place != TaskPlace::kInIo) {",
        replacement="  if (true) {",
        target="weft_core_test",
        test="CoreIoTest.ACancelledTaskResumesOnlyWhenItsOperationIsDone",
    ),
    Mutant(
        name="io: an operation's own limit is told as a cancel",
        file="server/core/intake.h",
        original=" operation->is_late = true;",
        replacement=" operation->is_late = false;",
        target="weft_core_await_test",
        test="CoreAwaitTest.AnOperationsOwnLimitIsNoCancel",
    ),
    Mutant(
        name="io: a cancel is told as an operation's own limit",
        file="server/core/intake.h",
        original="if (reason == WakeReason::kElapsed && !operation->cancel_asked)",
        replacement="if (reason == WakeReason::kElapsed)",
        target="weft_core_await_test",
        test="CoreAwaitTest.ACancelBeforeTheLimitIsACancel",
    ),
    Mutant(
        name="io: idle connections take the entries of the files",
        file="server/core/io_queue.cc",
        original="  if (sys::TakesNoEntry(operation->kind)) {\n    operation->in_queue",
        replacement="  if (under_way_ > 1'000) {\n    operation->in_queue",
        target="weft_core_await_test",
        test="CoreAwaitTest.WaitsForPeersTakeNoEntry",
    ),
    Mutant(
        name="net: a name that only ends alike passes a pattern",
        file="server/handlers/builtin/host_port.cc",
        original="  const std::string_view end = host.substr(1);",
        replacement="  const std::string_view end = host.substr(2);",
        target="weft_http_test",
        test="IsAllowed.AStarStandsForWhatIsBelowANameOnly",
    ),
    Mutant(
        name="http: takes the later of two lengths",
        file="server/handlers/builtin/http_response.cc",
        original="  } else if (has_length_ && length != left_) {",
        replacement="  } else if (has_length_ && length < left_) {",
        target="weft_http_test",
        test="HttpResponseReader.RefusesWhatCouldBeReadInTwoWays",
    ),
    Mutant(
        name="io: a free entry of the ring goes to whoever came first",
        file="server/sys/io_levels.h",
        original="      if (!lowest_first) break;",
        replacement="",
        target="weft_core_test",
        test="CoreIoTest.WaitsForAFreeEntryByPriority",
    ),
    Mutant(
        name="file.write: the bytes are not on the disk before the name is",
        file="server/handlers/builtin/file_write.cc",
        original="    return io.Fsync(fd);",
        replacement="    return 0;",
        target="weft_handlers_test",
        test="FileTest.WritesThroughATemporaryFileInTheSameDirectory",
    ),
    Mutant(
        name="ledger: the clock is not read in a turn",
        file="server/core/core.cc",
        original="now = worked ? env_.Now() : std::max(clock(), env_.NowUnordered());",
        replacement="now = clock();",
        target="weft_core_test",
        test="CoreTest.RunsATaskAndTellsItsExactTimes",
    ),
    Mutant(
        name="deadline: a task that expired in the queue starts all the same",
        file="server/core/dispatch.h",
        original="  return task.deadline > clock() && !cancels_",
        replacement="  return !cancels_",
        target="weft_core_test",
        test="CoreTest.ATimeoutInTheQueueExpiresTheTaskUnstarted",
    ),
    Mutant(
        name="rest: a core rests on ready tasks once the Door has drained",
        file="server/core/core.cc",
        original="} else if (!ready_->CanPop(!runners_.empty())) {",
        replacement="} else {",
        target="weft_core_test",
        test="CoreTest.NeverRestsOnReadyTasksThoughTheDoorDrainsAtTheLastMoment",
    ),
    Mutant(
        name="ready queue: urgent work waits for the whole turn",
        file="server/core/dispatch.h",
        original="    if (clock() >= turn_.look_again && TurnIsOver()) return nullptr;",
        replacement="    if (ready_->given() == turn_.given_until && TurnIsOver()) return nullptr;",
        target="weft_core_test",
        test="CoreTest.UrgentWorkThatComesDuringALongTurnStartsAtTheNextBoundary",
    ),
    Mutant(
        name="stalls: without timing a task that ends and one that goes on are one hold",
        file="server/core/core.cc",
        original="stats_.suspensions.value() + stats_.ended_sum();",
        replacement="stats_.suspensions.value() + started(Priority::kNormal);",
        target="weft_dispatch_test",
        test="StallTest.WithTimingOffTasksThatGoOnOneByOneAreNoStall",
    ),
    Mutant(
        name="clock: without timing it is read no more often among long tasks",
        file="server/core/turn_limits.h",
        original="std::min(2 * length_, kMost) : 1;",
        replacement="std::min(2 * length_, kMost) : length_;",
        target="weft_core_test",
        test="UntimedCoreTest.ABudgetInTimeMayBePassedOnceWhenLongTasksFollowShortOnes",
    ),
    Mutant(
        name="outbox: a core starts tasks whose end it cannot tell",
        file="server/core/dispatch.h",
        original="static_cast<uint32_t>(outbox_->Room(turn_.budget_beyond));",
        replacement="turn_.budget_beyond;",
        target="weft_core_test",
        test="CoreTest.StartsNoMoreWhileTheDoorHasNotDrained",
    ),
    Mutant(
        name="ready queue: age never goes ahead",
        file="server/core/ready_queue.cc",
        original="given_ - given_at_aged_ >= kAgedShare)",
        replacement="given_ - given_at_aged_ > given_)",
        target="weft_core_test",
        test="ReadyQueueTest.GivesAgedTasksEverySixteenthDispatchAndNoMore",
    ),
    Mutant(
        name="ready queue: gives what is held",
        file="server/core/ready_queue.h",
        original="    task->place = TaskPlace::kHeld;\n"
        "    Append(&held_[LevelOf(task)], task);\n"
        "    ++held_count_;\n",
        replacement="    Push(task);\n    ++held_count_;\n",
        target="weft_core_test",
        test="AgainstOracle.DoesWhatItDoes",
    ),
    Mutant(
        name="ready queue: a released task loses its place",
        file="server/core/ready_queue.cc",
        original="InsertBefore(before, &ready, task);",
        replacement="InsertBefore(nullptr, &ready, task);",
        target="weft_core_test",
        test="AgainstOracle.DoesWhatItDoes",
    ),
    Mutant(
        name="config: the environment wins over the settings",
        file="server/config/loader.cc",
        original="  for (const std::string& setting : sources.settings) "
        'loading.AddSetting("--set", setting);\n',
        replacement="  for (const std::string& setting : sources.settings) "
        'loading.AddSetting("--set", setting);\n'
        "  for (const std::string& variable : sources.environment) "
        "loading.AddVariable(variable);\n",
        target="weft_config_test",
        test="LoadConfig.LetsTheEnvironmentWinOverTheFileAndASettingOverBoth",
    ),
    Mutant(
        name="config: a reload takes over what needs a restart",
        file="server/config/change.cc",
        original="    if (is_live) entries[i] = fresh.entries[i];\n",
        replacement="    entries[i] = fresh.entries[i];\n",
        target="weft_config_test",
        test="UpdateConfig.NamesAKeyThatWaitsUntilTheStartBringsIt",
    ),
    Mutant(
        name="config: a reload does not hold live keys against those that stay",
        file="server/config/loader.cc",
        original="  if (mistakes.empty()) return loaded;\n",
        replacement="  if (mistakes.size() < 100) return loaded;\n",
        target="weft_config_test",
        test="UpdateConfig.RefusesLiveKeysThatContradictWhatHoldsUntilARestart",
    ),
    Mutant(
        name="pause: what is queued of a paused handler starts",
        file="server/core/dispatch.h",
        original="!task.entry->paused.is_set() && (HasSpareStack(",
        replacement="(HasSpareStack(",
        target="weft_core_test",
        test="CorePauseTest.HoldsWhatIsQueuedAndLetsOthersRun",
    ),
    Mutant(
        name="paths: a part may lead up",
        file="server/handlers/builtin/file_task.cc",
        original="    if (part == \"..\") return",
        replacement="    if (path == \"..\") return",
        target="weft_handlers_test",
        test="CheckRelativePath.TellsWhatIsWrong",
    ),
    Mutant(
        name="admission: takes tasks of a paused handler",
        file="server/dispatch/dispatcher.cc",
        original="  if (checked.entry->paused.is_set()) [[unlikely]] {",
        replacement="  if (checked.entry->paused.is_set() && spec.handler.empty()) [[unlikely]] {",
        target="weft_dispatch_test",
        test="SteeringTest.APauseHoldsWhatIsQueuedRefusesWhatComesAndLosesNothing",
    ),
    Mutant(
        name="list: a page that is full loses the place it stopped at",
        file="server/dispatch/dispatcher_list.h",
        original="      if (entries_left == 0 || tasks_left == 0 || lister.full()) return true;\n",
        replacement="      if (entries_left == 0 || tasks_left == 0 || lister.full()) {\n"
        "        ++cursor->done;\n        return true;\n      }\n",
        target="weft_dispatch_test",
        test="Seeds/ListingProperty.MeetsWhoeverStaysExactlyOnce/0",
    ),
]


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def copy_tree():
    """Makes TREE equal to the working tree; untouched files keep their times."""
    names = set(tracked_files())
    for old in TREE.rglob("*"):
        if old.is_file() and str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        source, copy = ROOT / name, TREE / name
        if copy.is_file() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)


def run(command):
    """The exit code and all output of a command."""
    done = subprocess.run(
        command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def configure():
    # Unoptimised, since it is compiled more often than it is run.
    command = ["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-D", "WEFT_CORE_ONLY=ON"]
    command += ["-D", "WEFT_BENCH=OFF", "-D", "CMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0"]
    code, output = run(command)
    if code != 0:
        sys.exit(f"mutants: cannot configure\n{output}")


def build(targets):
    return run(["cmake", "--build", BUILD, "--target", *sorted(targets)])


def run_test(mutant):
    """True when the named test ran and passed."""
    command = [BUILD / "bin" / mutant.target, f"--gtest_filter={mutant.test}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TEST_LIMIT_S)
    except subprocess.TimeoutExpired:
        return False
    if "Running 1 test " not in done.stdout:
        sys.exit(f"mutants: {mutant.target} has no test {mutant.test}")
    return done.returncode == 0


def check_without(mutants):
    """The snippets are there, and every test passes without its defect."""
    for mutant in mutants:
        count = (TREE / mutant.file).read_text().count(mutant.original)
        if count != 1:
            sys.exit(f"mutants: {mutant.name}: {mutant.file} holds its snippet {count} times")
    code, output = build({mutant.target for mutant in mutants})
    if code != 0:
        sys.exit(f"mutants: the tree does not build\n{output}")
    for mutant in mutants:
        if not run_test(mutant):
            sys.exit(f"mutants: {mutant.test} fails without any defect")


def is_caught(mutant):
    path = TREE / mutant.file
    sound = path.read_text()
    path.write_text(sound.replace(mutant.original, mutant.replacement))
    try:
        code, output = build({mutant.target})
        if code != 0:
            sys.exit(f"mutants: {mutant.name}: does not build\n{output}")
        return not run_test(mutant)
    finally:
        path.write_text(sound)


def main():
    mutants = [m for m in MUTANTS if not sys.argv[1:] or any(w in m.name for w in sys.argv[1:])]
    began = time.monotonic()
    copy_tree()
    configure()
    check_without(mutants)
    print(f"mutants: {len(mutants)} tests pass without a defect", flush=True)
    missed = 0
    for mutant in mutants:
        caught = is_caught(mutant)
        missed += not caught
        print(f"{'caught' if caught else 'MISSED'}  {mutant.name}  [{mutant.test}]", flush=True)
    print(f"mutants: {len(mutants) - missed} of {len(mutants)} defects caught "
          f"in {time.monotonic() - began:.0f} s")
    return 1 if missed or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
