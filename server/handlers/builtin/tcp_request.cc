#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "handlers/builtin/builtin.h"
#include "handlers/builtin/net_task.h"
#include "handlers/payload_text.h"

namespace weft {
namespace {

class TcpRequestHandler final : public Handler {
 public:
  explicit TcpRequestHandler(const NetAccess& access) : access_(access) {}

  std::string_view name() const override { return "tcp.request"; }
  std::string_view help() const override {
    return "sends the payload behind its first line to the HOST:PORT in that line, which "
           "handlers.net_allow has to name, half-closes, and answers what comes back";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    NetTask task(context, access_);
    if (!task.Check()) return task.outcome();
    const std::string_view payload = context.payload();
    const size_t line_end = payload.find('\n');
    if (line_end == std::string_view::npos) {
      return context.Fail(TaskErrorCode::kInvalidPayload,
                          "the payload has no line end; expected HOST:PORT, a line end and the "
                          "bytes to send");
    }
    const std::string_view line = payload.substr(0, line_end);
    const std::optional<HostPort> whom = ParseHostPort(line);
    if (!whom.has_value()) {
      return context.Fail(
          TaskErrorCode::kInvalidPayload,
          absl::StrCat(QuoteForMessage(line), " is no HOST:PORT, as in example.com:7 or [::1]:7"));
    }
    if (!task.Connect(*whom)) return task.outcome();
    if (!task.Exchange(payload.substr(line_end + 1), &context.output())) return task.outcome();
    return TaskOutcome::kSucceeded;
  }

 private:
  const NetAccess access_;
};

}  // namespace

std::unique_ptr<Handler> MakeTcpRequestHandler(const NetAccess& access) {
  return std::make_unique<TcpRequestHandler>(access);
}

}  // namespace weft
