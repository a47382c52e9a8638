#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/core.h"
#include "handlers/builtin/builtin.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"

namespace weft {

// A core on a thread of its own with a real ring of the backend that is the parameter, the built-in
// handlers, and a folder as handlers.file_root. The test's thread is the Door. Skipped, with the
// reason, where the kernel refuses the backend.
class IoTest : public testing::TestWithParam<IoChoice> {
 protected:
  static constexpr size_t kMostBytes = 1'000'000;

  struct End {
    TaskState state = TaskState::kQueued;
    TaskErrorCode error_code = TaskErrorCode::kNone;
    std::string output;
    std::string error_message;
  };

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weft-io-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    Start(name);
  }
  void TearDown() override {
    core_.reset();
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }

  // Again with another root, or fewer entries.
  void Start(const std::string& root, uint32_t entries = 64) {
    core_.reset();
    auto system =
        sys::IoSystem::Open({.backend = GetParam(), .ring_entries = entries, .threads = 2}, 1, {});
    if (!system.ok()) GTEST_SKIP() << system.status();
    system_ = *std::move(system);
    root_fd_ = *OpenFileRoot(root);
    registry_ = std::make_unique<HandlerRegistry>();
    ASSERT_TRUE(RegisterBuiltinHandlers(*registry_,
                                        {.root_fd = root_fd_.get(), .max_output_bytes = kMostBytes})
                    .ok());
    CoreOptions options;
    options.idle = IdlePolicy::kSleep;
    options.handler_count = static_cast<uint32_t>(registry_->rows().size());
    core_ = std::make_unique<Core<sys::ProdEnv>>(
        options, sys::ProdEnv(clock_.anchor(), system_.get()), doorbell_);
    ASSERT_TRUE(core_->Start().ok());
  }

  static TaskId IdOf(uint32_t slot) { return TaskId::Make(0, 1000 + slot); }

  uint32_t Submit(std::string_view handler, std::string_view payload, sys::Ticks timeout = 0) {
    Message message;
    message.slot = next_slot_++;
    message.id = IdOf(message.slot);
    message.entry = registry_->Find(handler);
    message.payload = payload.data();
    message.payload_bytes = static_cast<uint32_t>(payload.size());
    message.submitted = sys::ReadTicks();
    if (timeout != 0) message.deadline = message.submitted + timeout;
    EXPECT_EQ(core_->Post({&message, 1}), 1u);
    return message.slot;
  }
  void Cancel(uint32_t slot) {
    core_->SetCancel(slot, IdOf(slot), CancelReason::kClient);
    Message message;
    message.kind = MessageKind::kCancel;
    message.slot = slot;
    message.id = IdOf(slot);
    EXPECT_EQ(core_->Post({&message, 1}), 1u);
  }
  // Blocks until one more task has ended.
  End Next() {
    for (;;) {
      Completion completion;
      if (core_->Drain({&completion, 1}) == 0) {
        std::this_thread::yield();
        continue;
      }
      if (completion.kind != CompletionKind::kEnded) continue;
      return {completion.state, completion.error_code, std::string(completion.output()),
              std::string(completion.error_message())};
    }
  }
  End Run(std::string_view handler, std::string_view payload) {
    Submit(handler, payload);
    return Next();
  }

  std::filesystem::path root_;
  sys::Clock clock_;
  Doorbell doorbell_;
  std::unique_ptr<sys::IoSystem> system_;
  sys::Fd root_fd_;
  std::unique_ptr<HandlerRegistry> registry_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  uint32_t next_slot_ = 0;
};

inline std::string BackendName(const testing::TestParamInfo<IoChoice>& parameter) {
  return parameter.param == IoChoice::kIoUring ? "IoUring" : "Threads";
}

}  // namespace weft
