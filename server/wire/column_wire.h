#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "task/limits.h"
#include "task/plain_result.h"
#include "task/task_result.h"

namespace weft {

// Results of tasks that succeeded, on their way into one message: a weft.v1.StreamTasksResponse
// whose columns they are, written straight from here as the generated code would
// (https://protobuf.dev/programming-guides/encoding/). Used again and again. One thread at a time.
class ResultColumns {
 public:
  void Clear();
  // count() < kMaxRows.
  void Add(const TaskResult& result);
  // As many as there is room for.
  void Add(const PlainResults& results);
  size_t count() const { return count_; }
  const std::string& outputs() const { return outputs_; }
  // Gives memory of large outputs back.
  void DropOutputs() { std::string().swap(outputs_); }

  // How long the message is; then writes it. to: room for so much. Returns the end.
  size_t Measure();
  uint8_t* Write(uint8_t* to) const;

 private:
  using Numbers = std::vector<uint64_t>;
  using Words = std::vector<uint32_t>;

  // Room for twice as many, so that few results take little memory.
  void Grow();
  template <class Sink>
  void Visit(Sink& sink) const;

  size_t count_ = 0;
  size_t columns_bytes_ = 0;
  // All bits of each column: one that has only what an absent one means is left out.
  uint64_t any_started_ = 0;
  uint64_t any_completed_ = 0;
  uint64_t any_suspended_ = 0;
  bool any_off_core_ = false;
  uint32_t any_cpu_ = 0;
  uint32_t any_size_ = 0;
  bool any_priority_ = false;
  Numbers ids_;
  Numbers tags_;
  Numbers submitted_;
  Numbers started_;
  Numbers completed_;
  Numbers suspended_;
  Numbers off_core_;
  Words cpus_;
  Words priorities_;
  Words sizes_;
  std::string outputs_;
};

}  // namespace weft
