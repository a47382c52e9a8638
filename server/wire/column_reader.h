#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "task/refusal.h"
#include "task/task_spec.h"
#include "weft/v1/task_service.pb.h"

namespace weft {

// The tasks of a weft.v1.TaskColumns as specs, one after another. Used again and again, in steady
// state without an allocation. Door thread only.
class ColumnReader {
 public:
  // Forgets the columns of the message before.
  void Clear();
  // Adds the field's bytes; a message that has it several times is merged as protobuf does. False:
  // they are no TaskColumns, or one part too many.
  bool Add(std::string_view bytes);
  // Whether anything was added.
  bool is_present() const { return is_present_; }

  // Before Next: what is wrong with the columns as a whole, none of whose tasks can be read then.
  std::optional<Refusal> Check();
  size_t count() const { return count_; }
  // Copies the payloads to where they stay until the last task needs them no more.
  void TakePayloads(std::string* to);
  // The next of count() tasks, after Check and TakePayloads; what ReadTaskSpec refuses. Of a
  // refused one, only client_tag holds. The handler holds until the next message.
  std::optional<Refusal> Next(std::string_view field_prefix, TaskSpec* spec);

  // What a task has of its own among those that are alike.
  struct Own {
    std::string_view payload;
    uint64_t client_tag = 0;
  };
  // As Next for several: how many of the next tasks, at most own.size(), are alike in all but that
  // and name neither core nor timeout, none of which would be refused. Sets *like to the first of
  // them. They are still to come until Skip.
  size_t PeekAlike(TaskSpec* like, std::span<Own> own) const;
  // Passes over those of PeekAlike.
  void Skip(std::span<const Own> own) {
    index_ += own.size();
    payload_ = own.back().payload.data() + own.back().payload.size();
  }

 private:
  std::optional<Refusal> CheckLengths() const;

  v1::TaskColumns columns_;
  bool is_present_ = false;
  size_t parts_ = 0;          // Of the field.
  size_t handler_count_ = 0;  // In all of them, also those that were not read for being too many.
  size_t count_ = 0;
  std::vector<std::string_view> handlers_;
  const char* payload_ = nullptr;  // Of the next task,
  size_t index_ = 0;               // and its place.
};

}  // namespace weft
