// Both rings under one suite: what goes in comes out once, with what the system said, also when it
// is cancelled, more than the queue of the kernel holds, or the ring ends with work under way. The
// io_uring half is skipped, with the reason, where the kernel refuses it.
#include "sys/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sys/fd.h"
#include "sys/io_system.h"
#include "sys/page_cache.h"
#include "sys/ring_fixture.h"

namespace weft::sys {
namespace {

class RingTest : public RingFixture {
 protected:
  int Open(const char* path, uint64_t flags, uint64_t resolve = 0) {
    IoOperation operation{.kind = IoKind::kOpen, .fd = directory_.get(), .path = path};
    operation.how.flags = flags | O_CLOEXEC;
    operation.how.mode = (flags & O_CREAT) != 0 ? 0600 : 0;
    operation.how.resolve = resolve;
    return static_cast<int>(Run(operation));
  }
  int64_t Move(IoKind kind, int fd, std::string* data, uint64_t offset = 0) {
    return Run({.kind = kind,
                .fd = fd,
                .data = data->data(),
                .bytes = static_cast<uint32_t>(data->size()),
                .offset = offset});
  }
  // Keeps all threads busy until LetGo, by opening a pipe that nobody writes to.
  void HoldThreads() {
    ASSERT_EQ(mkfifo((folder_ / "lonely").c_str(), 0600), 0);
    for (IoOperation& operation : holding_) {
      operation = {.kind = IoKind::kOpen, .fd = directory_.get(), .path = "lonely"};
      ring_->Start(&operation);
    }
    ring_->Submit();
  }
  void LetGo() {
    const Fd writer(open((folder_ / "lonely").c_str(), O_RDWR | O_CLOEXEC));
    for (size_t i = 0; i < holding_.size(); ++i) close(static_cast<int>(Next()->result));
  }
  int64_t Close(int fd) { return Run({.kind = IoKind::kClose, .fd = fd}); }

  std::array<IoOperation, kThreads> holding_;
};

TEST_P(RingTest, DoesEveryKindOfOperation) {
  const int fd = Open("old", O_CREAT | O_EXCL | O_RDWR);
  ASSERT_GE(fd, 0) << std::strerror(-fd);
  std::string text = "twelve bytes";
  EXPECT_EQ(Move(IoKind::kWrite, fd, &text), 12);
  EXPECT_EQ(Run({.kind = IoKind::kFsync, .fd = fd}), 0);
  EXPECT_EQ(Run({.kind = IoKind::kReadAhead, .fd = fd, .bytes = 12}), 0);
  EXPECT_EQ(Run({.kind = IoKind::kDrop, .fd = fd, .bytes = 12}), 0);
  struct statx about = {};
  EXPECT_EQ(Run({.kind = IoKind::kStat, .fd = fd, .about = &about}), 0);
  EXPECT_EQ(about.stx_size, 12u);
  EXPECT_TRUE(S_ISREG(about.stx_mode));
  std::string read(100, '?');
  EXPECT_EQ(Move(IoKind::kRead, fd, &read, 7), 5);
  EXPECT_EQ(read.substr(0, 6), "bytes?");
  EXPECT_EQ(Close(fd), 0);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(
      Run({.kind = IoKind::kRename, .fd = directory_.get(), .path = "old", .new_path = "new"}), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "old"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "new"));
  EXPECT_EQ(Run({.kind = IoKind::kNop}), 0);
  EXPECT_EQ(Run({.kind = IoKind::kUnlink, .fd = directory_.get(), .path = "new"}), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));
}

TEST_P(RingTest, TellsWhatItHadToBringIntoTheCache) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  ASSERT_GE(fd, 0) << std::strerror(-fd);
  std::string text(100'000, 'a');
  EXPECT_EQ(Move(IoKind::kWrite, fd, &text), 100'000);
  IoOperation ahead{.kind = IoKind::kReadAhead, .fd = fd, .bytes = 100'000};
  const auto was_missing = [&] {
    ring_->Start(&ahead);
    ring_->Submit();
    EXPECT_EQ(Next(), &ahead);
    EXPECT_EQ(ahead.result, 0);
    return ahead.was_missing;
  };
  // Some file systems keep all, or tell nothing; so do some kernels.
  PageCache cache;
  const auto is_gone = [&] { return cache.Holds(fd, 0, 100'000) == PageCache::Part::kNothing; };
  const bool is_told = cache.Holds(fd, 0, 100'000) == PageCache::Part::kAll;
  EXPECT_EQ(was_missing(), is_gone()) << "just written";
  EXPECT_EQ(Run({.kind = IoKind::kFsync, .fd = fd}), 0);
  EXPECT_EQ(Run({.kind = IoKind::kDrop, .fd = fd, .bytes = 100'000}), 0);
  struct statfs system = {};
  ASSERT_EQ(fstatfs(fd, &system), 0);
  if (is_told && system.f_type == EXT4_SUPER_MAGIC) {
    EXPECT_TRUE(is_gone());
    EXPECT_TRUE(was_missing());
    EXPECT_FALSE(was_missing()) << "just brought";
  }
  EXPECT_EQ(Close(fd), 0);
}

TEST_P(RingTest, GivesBackAHintOnceWhenItIsCancelled) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  ASSERT_GE(fd, 0) << std::strerror(-fd);
  for (const bool is_submitted : {false, true}) {
    IoOperation hint{.kind = IoKind::kDrop, .fd = fd, .bytes = 12};
    ring_->Start(&hint);
    if (is_submitted) ring_->Submit();
    ring_->Cancel(&hint);
    EXPECT_EQ(Next(), &hint);
    EXPECT_TRUE(hint.result == 0 || hint.result == -ECANCELED) << hint.result;
    EXPECT_EQ(ring_->Take(), nullptr);
  }
  EXPECT_EQ(Close(fd), 0);
}

TEST_P(RingTest, EndsWithHintsUnderWay) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  ASSERT_GE(fd, 0) << std::strerror(-fd);
  {
    std::array<IoOperation, kEntries> hints;
    for (IoOperation& hint : hints) {
      hint = {.kind = IoKind::kDrop, .fd = fd, .bytes = 12};
      ring_->Start(&hint);
      if (&hint != &hints.back()) ring_->Submit();
    }
    ring_->Shutdown();
  }
  ring_.reset();
  close(fd);
}

TEST_P(RingTest, GivesErrorsAsNegativeErrno) {
  EXPECT_EQ(Open("missing", O_RDONLY), -ENOENT);
  EXPECT_EQ(Open("/etc", O_PATH, RESOLVE_BENEATH), -EXDEV);
  EXPECT_EQ(Close(-1), -EBADF);
  // A hint that cannot be followed is no error: the read will tell.
  EXPECT_EQ(Run({.kind = IoKind::kReadAhead, .fd = -1, .bytes = 12}), 0);
  EXPECT_EQ(Run({.kind = IoKind::kDrop, .fd = -1, .bytes = 12}), 0);
  std::string text = "x";
  EXPECT_EQ(Move(IoKind::kRead, directory_.get(), &text), -EBADF);  // O_PATH cannot be read.
}

// A read that meets the end, and a write that meets the limit on the size of files, whose signal
// must not end the process.
TEST_P(RingTest, SaysHowFarAShortTransferCame) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  ASSERT_GE(fd, 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {10'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string text(8'192, 'x');
  const int64_t first = Move(IoKind::kWrite, fd, &text);
  const int64_t cut = Move(IoKind::kWrite, fd, &text, 8'192);
  const int64_t beyond = Move(IoKind::kWrite, fd, &text, 10'000);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(first, 8'192);
  EXPECT_EQ(cut, 10'000 - 8'192);
  EXPECT_EQ(beyond, -EFBIG);
  EXPECT_EQ(Move(IoKind::kRead, fd, &text, 8'192), 10'000 - 8'192);
  EXPECT_EQ(Move(IoKind::kRead, fd, &text, 10'000), 0);
  EXPECT_EQ(Close(fd), 0);
}

TEST_P(RingTest, BringsBackEachOfManyOnce) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  ASSERT_GE(fd, 0);
  std::string text(4096, 'x');
  ASSERT_EQ(Move(IoKind::kWrite, fd, &text), 4096);
  std::vector<char> buffers(kEntries * 4096);
  for (int round = 0; round < 200; ++round) {
    std::array<IoOperation, kEntries> operations;
    std::array<int, kEntries> returned{};
    for (uint32_t i = 0; i < kEntries; ++i) {
      operations[i] = {.kind = i % 2 == 0 ? IoKind::kRead : IoKind::kFsync,
                       .fd = fd,
                       .data = &buffers[i * 4096],
                       .bytes = 4096};
      ring_->Start(&operations[i]);
    }
    ring_->Submit();
    for (uint32_t i = 0; i < kEntries; ++i) {
      IoOperation* const done = Next();
      ++returned[static_cast<size_t>(done - operations.data())];
      EXPECT_EQ(done->result, done->kind == IoKind::kRead ? 4096 : 0);
    }
    for (const int times : returned) EXPECT_EQ(times, 1);
    EXPECT_EQ(ring_->Take(), nullptr);
  }
  EXPECT_EQ(Close(fd), 0);
}

// A read of an empty pipe lasts until somebody writes. Threads cannot be interrupted, so there the
// operation behind those that keep all threads busy is the one that is cancelled.
TEST_P(RingTest, GivesACancelledOperationBackOnceAndSaysSo) {
  std::string name = (folder_ / "pipe").string();
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  const Fd pipe(open(name.c_str(), O_RDWR | O_CLOEXEC));
  const bool interrupts = system_->backend() == "io_uring";
  char byte = 0;
  if (!interrupts) HoldThreads();
  IoOperation victim{
      .kind = IoKind::kRead, .fd = pipe.get(), .data = &byte, .bytes = 1, .cancel_asked = true};
  ring_->Start(&victim);
  if (interrupts) ring_->Submit();
  ring_->Cancel(&victim);
  ring_->Submit();
  EXPECT_EQ(Next(), &victim);
  EXPECT_EQ(victim.result, -ECANCELED);
  if (!interrupts) LetGo();
}

// More than both queues of the kernel hold; nothing is taken before all were started.
TEST_P(RingTest, BringsBackMoreThanItsQueuesHold) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  ASSERT_GE(fd, 0);
  std::string text(4096, 'x');
  ASSERT_EQ(Move(IoKind::kWrite, fd, &text), 4096);
  std::vector<IoOperation> operations(40 * kEntries);
  std::vector<char> buffers(operations.size());
  for (size_t i = 0; i < operations.size(); ++i) {
    operations[i] = {.kind = IoKind::kRead, .fd = fd, .data = &buffers[i], .bytes = 1, .offset = 0};
    ring_->Start(&operations[i]);
  }
  ring_->Submit();
  std::vector<int> returned(operations.size());
  for (size_t i = 0; i < operations.size(); ++i) {
    IoOperation* const done = Next();
    ++returned[static_cast<size_t>(done - operations.data())];
    EXPECT_EQ(done->result, 1);
  }
  EXPECT_EQ(returned, std::vector<int>(operations.size(), 1));
  EXPECT_EQ(buffers, std::vector<char>(operations.size(), 'x'));
  EXPECT_EQ(ring_->Take(), nullptr);
  EXPECT_EQ(Close(fd), 0);
}

// An answer to a cancel that was left behind would end whatever is at the same address next.
TEST_P(RingTest, AwaitsBothAnswersOfACancelledOperation) {
  if (system_->backend() != "io_uring") GTEST_SKIP() << "threads answer once";
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const Fd pipe(open((folder_ / "pipe").c_str(), O_RDWR | O_CLOEXEC));
  char byte = 0;
  const IoOperation read{.kind = IoKind::kRead,
                         .fd = pipe.get(),
                         .data = &byte,
                         .bytes = 1,
                         .offset = 0,
                         .cancel_asked = true};
  IoOperation operation;
  for (int round = 0; round < 500; ++round) {
    operation = read;
    ring_->Start(&operation);
    ring_->Submit();
    ring_->Cancel(&operation);
    ring_->Submit();
    EXPECT_EQ(Next(), &operation);
    ASSERT_EQ(operation.result, -ECANCELED);
    operation = read;
    ring_->Start(&operation);
    ring_->Submit();
    ASSERT_EQ(ring_->Take(), nullptr);
    ASSERT_EQ(write(pipe.get(), "x", 1), 1);
    EXPECT_EQ(Next(), &operation);
    ASSERT_EQ(operation.result, 1);
  }
}

// The kernel takes nothing from a ring that is not attached yet, as it may when it is short of
// memory, so that its queue is full.
TEST_P(RingTest, KeepsWhatTheKernelDoesNotTake) {
  if (system_->backend() != "io_uring") GTEST_SKIP() << "threads take everything";
  ring_->Shutdown();
  system_ = *IoSystem::Open({.backend = GetParam(), .ring_entries = kEntries}, 1, {});
  ring_ = system_->TakeRing(0);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const Fd pipe(open((folder_ / "pipe").c_str(), O_RDWR | O_CLOEXEC));
  char byte = 0;
  std::array<IoOperation, 3 * kEntries> operations;
  for (IoOperation& operation : operations) {
    operation = {.kind = IoKind::kRead, .fd = pipe.get(), .data = &byte, .bytes = 1, .offset = 0};
    ring_->Start(&operation);
  }
  operations.front().cancel_asked = true;
  ring_->Cancel(&operations.front());
  ring_->Cancel(&operations.back());
  ring_->Attach({});
  ring_->Submit();
  for (int i = 0; i < 2; ++i) {
    IoOperation* const cancelled = Next();
    EXPECT_TRUE(cancelled == &operations.front() || cancelled == &operations.back());
    EXPECT_EQ(cancelled->result, -ECANCELED);
  }
  for (size_t i = 2; i < operations.size(); ++i) {
    ASSERT_EQ(write(pipe.get(), "x", 1), 1);
    EXPECT_EQ(Next()->result, 1);
  }
  EXPECT_EQ(ring_->Take(), nullptr);
}

TEST_P(RingTest, NeedsNobodyForAReadOfWhatIsInTheCacheOrForANop) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  std::string text = "twelve bytes";
  ASSERT_EQ(Move(IoKind::kWrite, fd, &text), 12);
  const iovec buffer = {text.data(), text.size()};
  if (preadv2(fd, &buffer, 1, 0, RWF_NOWAIT) != 12) {
    GTEST_SKIP() << "this file system cannot tell that a read would wait";
  }
  if (system_->backend() == "threads") HoldThreads();
  std::string read(100, '?');
  EXPECT_EQ(Move(IoKind::kRead, fd, &read, 7), 5);
  EXPECT_EQ(read.substr(0, 6), "bytes?");
  EXPECT_EQ(Move(IoKind::kRead, fd, &read, 12), 0);
  EXPECT_EQ(Run({.kind = IoKind::kNop}), 0);
  if (system_->backend() == "threads") LetGo();
  EXPECT_EQ(Close(fd), 0);
}

TEST_P(RingTest, GivesBackAnOperationThatEndedBeforeItsCancel) {
  const int fd = Open("file", O_CREAT | O_RDWR);
  std::string text = "done";
  IoOperation write{
      .kind = IoKind::kWrite, .fd = fd, .data = text.data(), .bytes = 4, .cancel_asked = true};
  ring_->Start(&write);
  ring_->Submit();
  // Until it is done for sure: its bytes are there.
  for (char byte = 0; pread(fd, &byte, 1, 3) != 1;) std::this_thread::yield();
  ring_->Cancel(&write);
  ring_->Submit();
  EXPECT_EQ(Next(), &write);
  EXPECT_EQ(write.result, 4);
  EXPECT_EQ(ring_->Take(), nullptr);
  EXPECT_EQ(Close(fd), 0);
}

TEST_P(RingTest, EntersTheKernelOnlyWithReason) {
  const uint64_t before = ring_->enters();
  for (int i = 0; i < 1000; ++i) {
    ring_->Submit();
    EXPECT_EQ(ring_->Take(), nullptr);
    EXPECT_FALSE(ring_->HasCompletions());
  }
  EXPECT_EQ(ring_->enters(), before);
}

// A wake from another thread ends the wait that is under way or, kept, the next one.
TEST_P(RingTest, IsWokenFromAnotherThread) {
  if (!ring_->has_wait()) GTEST_SKIP() << "this ring's core sleeps on its own word";
  ring_->Wake();
  ring_->Wait(-1);
  EXPECT_EQ(ring_->Take(), nullptr);
  for (int round = 0; round < 1000; ++round) {
    std::atomic<bool> told{false};
    std::thread waker([&] {
      told = true;
      ring_->Wake();
    });
    // As a core does: it looks again after each Wait, so early returns cost nothing.
    while (!told) {
      ring_->Wait(-1);
      ring_->Take();
    }
    waker.join();
    while (ring_->Take() != nullptr) {
    }
  }
}

TEST_P(RingTest, WaitsNoLongerThanToldAndEndsWithWorkUnderWay) {
  if (ring_->has_wait()) ring_->Wait(1'000'000);
  const int fd = Open("file", O_CREAT | O_RDWR);
  std::string text(1 << 20, 'x');
  std::array<IoOperation, 4> operations;
  for (IoOperation& operation : operations) {
    operation = {.kind = IoKind::kWrite,
                 .fd = fd,
                 .data = text.data(),
                 .bytes = static_cast<uint32_t>(text.size())};
    ring_->Start(&operation);
  }
  ring_->Submit();
  ring_->Shutdown();  // Nothing may touch the operations after this; ASan and TSan watch.
  close(fd);
}

INSTANTIATE_TEST_SUITE_P(Backends, RingTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), NameOfBackend);

}  // namespace
}  // namespace weft::sys
