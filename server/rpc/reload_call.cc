#include "rpc/reload_call.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weft {
namespace {

void WriteChanges(const std::vector<ReloadResult::Change>& changes,
                  google::protobuf::RepeatedPtrField<v1::ConfigChange>* messages) {
  messages->Clear();
  for (const ReloadResult::Change& change : changes) {
    v1::ConfigChange* const message = messages->Add();
    message->set_key(change.key);
    message->set_old_value(change.old_value);
    message->set_new_value(change.new_value);
  }
}

Refusal RefusalOf(const absl::Status& status) {
  Refusal refusal;
  const bool has_file = !absl::IsFailedPrecondition(status);
  refusal.reason = has_file ? RefusalReason::kInvalidField : RefusalReason::kNoConfigFile;
  refusal.message = FirstMistakes(status.message());
  if (has_file) refusal.field = "config";
  return refusal;
}

}  // namespace

std::string FirstMistakes(absl::string_view text) {
  std::string out;
  size_t left = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (left > 0 || out.size() + line.size() > ReloadConfigCall::kMistakesBytesMax) {
      ++left;
    } else {
      absl::StrAppend(&out, out.empty() ? "" : "\n", line);
    }
  }
  if (left == 0) return out;
  return absl::StrCat(out, out.empty() ? "" : "\n", left,
                      " more; the log of weftd and weftd --check-config tell all");
}

void ReloadConfigCall::OnRequest() {
  asked_ = true;
  gone_ = false;
  family_.request_reload([this](const ReloadResult& result) { OnReloaded(result); });
}

void ReloadConfigCall::OnReloaded(const ReloadResult& result) {
  asked_ = false;
  if (gone_) return MaybeOver();
  if (!result.status.ok()) return Refuse(RefusalOf(result.status));
  WriteChanges(result.applied, response_.mutable_applied());
  WriteChanges(result.needs_restart, response_.mutable_needs_restart());
  for (const std::string& warning : result.warnings) response_.add_warnings(warning);
  Answer();
}

}  // namespace weft
