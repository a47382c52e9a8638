#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/filter_options.h"
#include "client/cli/output.h"
#include "client/cli/summary_text.h"
#include "weft/list.h"

namespace weft::cli {
namespace {

constexpr char kExamples[] =
    R"(  weft list                                 all tasks in flight, and results still kept
  weft list --state running --state suspended
  weft list --label app=shop --handler sha256 --json
)";

struct ListOptions {
  FilterOptions filter;
  uint64_t limit = 0;  // 0: none.
};

int List(Client& client, const Session& session, const ListOptions& options) {
  v1::ListTasksRequest request;
  *request.mutable_filter() = MakeFilter(options.filter);
  request.set_page_size(1'000);
  TaskPager pager(client, request);
  uint64_t count = 0;
  const auto is_enough = [&] { return options.limit != 0 && count >= options.limit; };
  while (!pager.done() && !is_enough()) {
    const auto page = pager.Next();
    if (!page.ok()) return session.Report(page.status());
    for (const v1::TaskSummary& task : *page) {
      if (is_enough()) break;
      if (session.json) {
        std::cout << ToJson(task, false) << "\n";
      } else {
        if (count == 0) std::cout << SummaryHeader();
        std::cout << SummaryRow(task);
      }
      ++count;
    }
  }
  if (count == 0 && !session.json) std::cerr << "no tasks\n";
  return 0;
}

}  // namespace

void AddList(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "list", "List tasks in flight and those whose result is kept", kExamples);
  const auto options = std::make_shared<ListOptions>();
  AddFilterOptions(command, &options->filter);
  command->add_option("--limit", options->limit, "Tasks at most; 0: all")->capture_default_str();
  AddSessionOptions(command, session);
  command->callback([session, options] {
    session->WithClient([&](Client& client) { return List(client, *session, *options); });
  });
}

}  // namespace weft::cli
