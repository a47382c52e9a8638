#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "handlers/builtin/builtin.h"
#include "handlers/builtin/http_response.h"
#include "handlers/builtin/http_url.h"
#include "handlers/builtin/net_task.h"
#include "handlers/payload_text.h"

namespace weft {
namespace {

// Of all lines of a response before its body; more than servers send.
constexpr size_t kMostHeaderBytes = 16 * 1024;
// Taken from the socket at a time; other tasks run in between.
constexpr size_t kPieceBytes = 16 * 1024;
constexpr int kGood = 2;  // The hundreds of a status that is a success.

class HttpGetHandler final : public Handler {
 public:
  explicit HttpGetHandler(const NetAccess& access) : access_(access) {}

  std::string_view name() const override { return "http.get"; }
  std::string_view help() const override {
    return "what a GET of the payload's http:// URL answers, whose host handlers.net_allow has to "
           "name; a status other than 2xx is a failure that tells it";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    NetTask task(context, access_);
    if (!task.Check()) return task.outcome();
    const absl::StatusOr<HttpUrl> url = ParseHttpUrl(context.payload());
    if (!url.ok()) {
      const absl::string_view message = url.status().message();
      return context.Fail(TaskErrorCode::kInvalidPayload, {message.data(), message.size()});
    }
    if (!task.Connect(url->whom)) return task.outcome();
    const std::string request =
        absl::StrCat("GET ", url->target, " HTTP/1.1\r\nHost: ", url->host_header,
                     "\r\nUser-Agent: weft\r\nAccept: */*\r\n"
                     "Connection: close\r\n\r\n");
    if (!task.Send(request)) return task.outcome();
    return Read(context, task);
  }

 private:
  using State = HttpResponseReader::State;

  TaskOutcome Read(TaskContext& context, NetTask& task) {
    HttpResponseReader reader(
        {.header_bytes = kMostHeaderBytes, .body_bytes = access_.answer_bytes()},
        &context.output());
    // Not on the stack, which may be no larger.
    std::vector<char> buffer(kPieceBytes);
    while (reader.state() == State::kMore) {
      const int64_t got = task.Receive(buffer);
      if (got < 0) return task.outcome();
      if (got == 0) {
        reader.FeedEnd();
      } else {
        reader.Feed({buffer.data(), static_cast<size_t>(got)});
      }
      if (reader.status() != 0 && reader.status() / 100 != kGood) {
        return context.Fail(absl::StrCat(task.whom(), " answered ", reader.status(), " ",
                                         QuoteForMessage(reader.reason())));
      }
    }
    return Judge(context, task, reader);
  }

  TaskOutcome Judge(TaskContext& context, NetTask& task, const HttpResponseReader& reader) {
    switch (reader.state()) {
      case State::kBodyTooLarge:
        return task.TooLarge();
      case State::kHeaderTooLarge:
        return context.Fail(absl::StrCat("the header of the answer of ", task.whom(),
                                         " has more than ", kMostHeaderBytes, " bytes"));
      case State::kMalformed:
        return context.Fail(absl::StrCat("the answer of ", task.whom(), " is no HTTP/1 response: ",
                                         std::string(reader.problem())));
      default:
        return TaskOutcome::kSucceeded;
    }
  }

  const NetAccess access_;
};

}  // namespace

std::unique_ptr<Handler> MakeHttpGetHandler(const NetAccess& access) {
  return std::make_unique<HttpGetHandler>(access);
}

}  // namespace weft
