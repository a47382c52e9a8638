#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

// One call waits no longer than this, well below what the daemon allows.
constexpr int64_t kSliceNs = 5'000'000'000;

struct WaitOptions {
  uint64_t task_id = 0;
  int64_t wait_ns = -1;  // Negative: for ever.
};

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Calls Wait until the task has ended or the time is up.
absl::StatusOr<v1::TaskResult> WaitForEnd(Client& client, const WaitOptions& options) {
  const int64_t start_ns = NowNs();
  while (true) {
    int64_t slice_ns = kSliceNs;
    if (options.wait_ns >= 0) {
      const int64_t left_ns = options.wait_ns - (NowNs() - start_ns);
      slice_ns = std::clamp<int64_t>(left_ns, 0, kSliceNs);
    }
    auto result = client.Wait(options.task_id, slice_ns);
    if (!result.ok() || ExitCodeOf(result->state()) != kExitTimedOut) return result;
    const bool time_is_up = options.wait_ns >= 0 && NowNs() - start_ns >= options.wait_ns;
    if (time_is_up) return result;
  }
}

}  // namespace

void AddWait(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "wait", "Wait until a task has ended and show its result",
                 "  weft wait 72057594037927937\n"
                 "  weft wait 72057594037927937 --wait 500ms     (exit code 124 if it elapses)\n");
  const auto options = std::make_shared<WaitOptions>();
  AddTaskId(command, &options->task_id);
  AddDuration(command, "--wait", &options->wait_ns, "How long to wait; until it ends by default");
  AddSessionOptions(command, session);
  command->callback([session, options] {
    session->WithClient([&](Client& client) -> int {
      auto result = WaitForEnd(client, *options);
      if (!result.ok()) return session->Report(result.status());
      WriteTask(*result, session->json, std::cout);
      return ExitCodeOf(result->state());
    });
  });
}

}  // namespace weft::cli
