#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "sys/fd.h"
#include "sys/io_system.h"
#include "sys/parking.h"
#include "sys/ring.h"

namespace weft::sys {

// A ring of the backend that is the parameter, with the test's thread as its core, and a folder.
// Skipped, with the reason, where the kernel refuses the backend.
class RingFixture : public testing::TestWithParam<IoChoice> {
 protected:
  static constexpr uint32_t kEntries = 8;
  static constexpr uint32_t kThreads = 2;

  void SetUp() override {
    auto system = IoSystem::Open(
        {.backend = GetParam(), .ring_entries = kEntries, .threads = kThreads}, 1, {});
    if (!system.ok()) GTEST_SKIP() << system.status();
    system_ = *std::move(system);
    ring_ = system_->TakeRing(0);
    ring_->Attach({[](void* self) { static_cast<RingFixture*>(self)->WakeUp(); }, this});
    std::string name = (std::filesystem::temp_directory_path() / "weft-ring-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    directory_.Reset(open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(directory_.valid());
  }
  void TearDown() override {
    if (ring_ != nullptr) ring_->Shutdown();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void WakeUp() {
    const uint32_t parked = parking_.Take();
    if (parked == Parking<>::kParked) parking_.word().notify_one();
    if (parked == Parking<>::kParkedInRing) ring_->Wake();
  }

  // As a core sleeps while operations are under way.
  void Sleep() {
    const bool in_ring = ring_->has_wait();
    parking_.Announce(in_ring ? Parking<>::kParkedInRing : Parking<>::kParked);
    if (!ring_->HasCompletions()) {
      if (in_ring) {
        ring_->Wait(-1);
      } else {
        parking_.word().wait(Parking<>::kParked);
      }
    }
    parking_.Withdraw();
  }

  IoOperation* Next() {
    for (;;) {
      IoOperation* const done = ring_->Take();
      if (done != nullptr) return done;
      if (!ring_->HasCompletions()) Sleep();
    }
  }

  int64_t Run(IoOperation operation) {
    ring_->Start(&operation);
    ring_->Submit();
    EXPECT_EQ(Next(), &operation);
    return operation.result;
  }

  std::unique_ptr<IoSystem> system_;
  std::unique_ptr<Ring> ring_;
  Parking<> parking_;
  std::filesystem::path folder_;
  Fd directory_;
};

inline std::string NameOfBackend(const testing::TestParamInfo<IoChoice>& parameter) {
  return parameter.param == IoChoice::kIoUring ? "IoUring" : "Threads";
}

}  // namespace weft::sys
