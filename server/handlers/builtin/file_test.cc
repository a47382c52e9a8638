// The file handlers with the system played or changed between two of their steps: what they answer
// when the disk is full, when a file changes underfoot, when they are stopped anywhere, and that
// they then leave the old file, no temporary one and no open descriptor. tests/io has the rest,
// with real rings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "handlers/builtin/builtin.h"
#include "handlers/builtin/file_task.h"
#include "handlers/fake_context.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using sys::IoKind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kMostBytes = 200'000;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weft-file-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    root_fd_ = *OpenFileRoot(name);
    open_before_ = OpenDescriptors();
  }
  void TearDown() override {
    EXPECT_EQ(OpenDescriptors(), open_before_) << "a descriptor leaked";
    fs::remove_all(root_);
  }

  static size_t OpenDescriptors() {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
  }
  FileAccess access() const { return {.root_fd = root_fd_.get(), .max_output_bytes = kMostBytes}; }
  void Put(const std::string& name, const std::string& bytes) {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  std::string Get(const std::string& name) {
    std::ifstream file(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  fs::path root_;
  sys::Fd root_fd_;
  size_t open_before_ = 0;
};

TEST_F(FileTest, ReadsAFileOfExactlyTheLimit) {
  const std::string bytes(kMostBytes, 'b');
  Put("file", bytes);
  FakeContext context("file");
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result(), bytes);
}

TEST_F(FileTest, RefusesAFileBeyondTheLimitWithItsSizeAndWithoutReading) {
  Put("file", std::string(kMostBytes + 1, 'b'));
  FakeContext context("file");
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kOutputTooLarge);
  EXPECT_THAT(context.error_message(),
              AllOf(HasSubstr("200001 bytes"), HasSubstr("limits.max_payload_bytes")));
  EXPECT_THAT(context.operations(), testing::Not(testing::Contains(IoKind::kRead)));
}

// Does `change` once, before the number-th read.
std::function<void(const sys::IoOperation&)> BeforeRead(int number, std::function<void()> change) {
  return [number, change, seen = 0](const sys::IoOperation& operation) mutable {
    if (operation.kind == IoKind::kRead && ++seen == number) change();
  };
}

TEST_F(FileTest, ReadsAFileThatGrowsToTheEndItHasThen) {
  Put("file", std::string(100'000, 'a'));
  FakeContext context("file");
  context.before_io = BeforeRead(
      2, [this] { std::ofstream(root_ / "file", std::ios::app) << std::string(50'000, 'b'); });
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result(), std::string(100'000, 'a') + std::string(50'000, 'b'));
}

TEST_F(FileTest, RefusesAFileThatGrowsBeyondTheLimitWhileRead) {
  Put("file", std::string(100'000, 'a'));
  FakeContext context("file");
  context.before_io = BeforeRead(2, [this] { fs::resize_file(root_ / "file", 900'000); });
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kOutputTooLarge);
  EXPECT_THAT(context.error_message(), HasSubstr("grown beyond 200000"));
}

TEST_F(FileTest, ReadsAFileThatShrinksAsFarAsItGoes) {
  Put("file", std::string(150'000, 'a'));
  FakeContext context("file");
  context.before_io = BeforeRead(2, [this] { fs::resize_file(root_ / "file", 70'000); });
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result().size(), 70'000u);
}

TEST_F(FileTest, ReadsAFileThatVanishesWhileRead) {
  Put("file", std::string(150'000, 'a'));
  FakeContext context("file");
  context.before_io = BeforeRead(2, [this] { fs::remove(root_ / "file"); });
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result().size(), 150'000u);
}

// SHA-256 of `size` bytes 'a', by coreutils.
TEST_F(FileTest, HashesAFileThatChangesMeanwhileAsFarAsItGoes) {
  struct Change {
    std::function<void()> make;
    const char* digest;
  };
  const Change changes[] = {
      {[this] { std::ofstream(root_ / "file", std::ios::app) << std::string(50'000, 'a'); },
       "2287d207f24a941ff3b56c04c8a25ad56b63e3023207b3bb5b4ac0c9869d74be"},
      {[this] { fs::resize_file(root_ / "file", 70'000); },
       "66915c0872933db504e7578828dd85b7e74a4e0a061f9756793b89c4151bd4b5"},
      {[this] { fs::remove(root_ / "file"); },
       "1ef149b3d0000b5a74c1d390452b9b5e00bae34d4bef1b52f6b4f65997f0da62"},
  };
  for (const Change& change : changes) {
    Put("file", std::string(150'000, 'a'));
    FakeContext context("file");
    context.before_io = BeforeRead(2, change.make);
    EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kSucceeded);
    EXPECT_EQ(context.result(), change.digest);
  }
}

TEST_F(FileTest, RefusesWhatBecameAFifoAfterItWasLookedAt) {
  Put("file", "x");
  FakeContext context("file");
  context.before_io = [this, opens = 0](const sys::IoOperation& operation) mutable {
    if (operation.kind != IoKind::kOpen || ++opens != 2) return;
    fs::remove(root_ / "file");
    ASSERT_EQ(mkfifo((root_ / "file").c_str(), 0600), 0);
  };
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kFailed);
  EXPECT_THAT(context.error_message(), HasSubstr("is a fifo, not a regular file"));
}

TEST_F(FileTest, HasEachPieceOfALargeFileBroughtBeforeItIsRead) {
  constexpr uint64_t kBytes = 5'000'000;
  Put("file", std::string(kBytes, 'a'));
  FakeContext context("file");
  uint64_t brought = 0;
  int pieces = 0;
  context.before_io = [&](const sys::IoOperation& operation) {
    if (operation.kind == IoKind::kReadAhead) {
      EXPECT_LE(operation.offset, brought) << "a hole";
      brought = operation.offset + operation.bytes;
      ++pieces;
    } else if (operation.kind == IoKind::kRead) {
      EXPECT_LE(std::min(kBytes, operation.offset + operation.bytes), brought);
    }
  };
  EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(pieces, 20);
  EXPECT_EQ(brought, kBytes) << "nothing beyond the end, which is never cached";
}

// What is not in the cache is dropped behind the reads, piece by piece, to the file's last byte.
TEST_F(FileTest, DropsWhatItHasBroughtOfAVeryLargeFile) {
  constexpr uint64_t kBytes = (16 << 20) + 100'000;
  Put("file", "");
  fs::resize_file(root_ / "file", kBytes);
  FakeContext context("file");
  context.nothing_cached = true;
  uint64_t brought = 0;
  uint64_t read = 0;
  uint64_t dropped = 0;
  context.before_io = [&](const sys::IoOperation& operation) {
    const uint64_t end = operation.offset + operation.bytes;
    if (operation.kind == IoKind::kReadAhead) {
      EXPECT_EQ(dropped, operation.offset) << "two pieces at once";
      brought = end;
    } else if (operation.kind == IoKind::kRead) {
      read = std::min(end, kBytes);
    } else if (operation.kind == IoKind::kDrop) {
      EXPECT_EQ(operation.offset, dropped) << "a hole";
      EXPECT_EQ(end, brought);
      EXPECT_EQ(end, read) << "not read yet";
      dropped = end;
    }
  };
  EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(dropped, kBytes);
}

TEST_F(FileTest, KeepsInTheCacheWhatWasThereAndWhatIsNotVeryLarge) {
  for (const auto& [bytes, nothing_cached] : {std::pair{(16 << 20) + 1, false}, {16 << 20, true}}) {
    Put("file", "");
    fs::resize_file(root_ / "file", bytes);
    FakeContext context("file");
    context.nothing_cached = nothing_cached;
    EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kSucceeded);
    EXPECT_THAT(context.operations(), testing::Contains(IoKind::kReadAhead));
    EXPECT_THAT(context.operations(), testing::Not(testing::Contains(IoKind::kDrop)));
  }
}

TEST_F(FileTest, StopsWhileAPieceIsDropped) {
  Put("file", "");
  fs::resize_file(root_ / "file", 17 << 20);
  FakeContext context("file");
  context.nothing_cached = true;
  context.before_io = [&](const sys::IoOperation& operation) {
    if (operation.kind == IoKind::kDrop) context.Cancel();
  };
  EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kStopped);
  EXPECT_EQ(context.operations().back(), IoKind::kClose);
}

TEST_F(FileTest, ReadsASmallFileAtOnce) {
  Put("file", std::string(64 * 1024, 'a'));
  FakeContext context("file");
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_THAT(context.operations(), testing::Not(testing::Contains(IoKind::kReadAhead)));
}

TEST_F(FileTest, StopsWhileAPieceIsBrought) {
  Put("file", std::string(150'000, 'a'));
  FakeContext context("file");
  context.before_io = [&](const sys::IoOperation& operation) {
    if (operation.kind == IoKind::kReadAhead) context.Cancel();
  };
  EXPECT_EQ(MakeFileReadHandler(access())->Run(context), TaskOutcome::kStopped);
  EXPECT_THAT(context.operations(), testing::Not(testing::Contains(IoKind::kRead)));
  EXPECT_EQ(context.operations().back(), IoKind::kClose);
}

TEST_F(FileTest, TellsAnErrorOfTheDevice) {
  Put("file", "x");
  FakeContext context("file");
  context.FailIo(IoKind::kRead, -EIO);
  EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_message(), "\"file\" could not be read: Input/output error (errno 5)");
}

TEST_F(FileTest, HashesInSlicesBetweenWhichOthersRun) {
  Put("file", std::string(1'000'000, 'a'));
  FakeContext context("file");
  EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_GE(context.sleeps().size(), 1'000'000u / (16 * 1024));
}

TEST_F(FileTest, StopsHashingBetweenTwoSlices) {
  Put("file", std::string(1'000'000, 'a'));
  FakeContext context("file");
  context.before_io = BeforeRead(3, [&] { context.Cancel(); });
  EXPECT_EQ(MakeFileHashHandler(access())->Run(context), TaskOutcome::kStopped);
  EXPECT_EQ(context.operations().back(), IoKind::kClose);
}

TEST_F(FileTest, WritesThroughATemporaryFileInTheSameDirectory) {
  Put("file", "old");
  FakeContext context("file\nnew\nbytes");
  std::vector<std::string> during;
  context.before_io = [&](const sys::IoOperation& operation) {
    if (operation.kind == IoKind::kRename) during = Names();
  };
  EXPECT_EQ(MakeFileWriteHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(context.result(), "9");
  EXPECT_EQ(Get("file"), "new\nbytes");
  EXPECT_EQ(during.size(), 2u);
  EXPECT_THAT(Names(), ElementsAre("file"));
  // The bytes are on the disk before the name, the name before the answer.
  std::vector<IoKind> order;
  for (const IoKind kind : context.operations()) {
    if (kind == IoKind::kWrite || kind == IoKind::kFsync || kind == IoKind::kRename) {
      order.push_back(kind);
    }
  }
  EXPECT_THAT(order, ElementsAre(IoKind::kWrite, IoKind::kFsync, IoKind::kRename, IoKind::kFsync));
}

TEST_F(FileTest, KeepsThePermissionsOfTheFileItReplaces) {
  Put("file", "old");
  // Wider than the umask leaves a new file.
  const fs::perms wide = fs::perms(0666);
  fs::permissions(root_ / "file", wide);
  const mode_t umask_before = umask(0077);
  FakeContext context("file\nnew");
  EXPECT_EQ(MakeFileWriteHandler(access())->Run(context), TaskOutcome::kSucceeded);
  EXPECT_EQ(fs::status(root_ / "file").permissions(), wide);
  FakeContext fresh("fresh\nnew");
  EXPECT_EQ(MakeFileWriteHandler(access())->Run(fresh), TaskOutcome::kSucceeded);
  EXPECT_EQ(fs::status(root_ / "fresh").permissions(), fs::perms(0600));
  umask(umask_before);
}

TEST_F(FileTest, KeepsTheOwnerOfTheFileItReplaces) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  Put("file", "old");
  ASSERT_EQ(chown((root_ / "file").c_str(), 12, 34), 0);
  FakeContext context("file\nnew");
  EXPECT_EQ(MakeFileWriteHandler(access())->Run(context), TaskOutcome::kSucceeded);
  struct stat about = {};
  ASSERT_EQ(stat((root_ / "file").c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 12u);
  EXPECT_EQ(about.st_gid, 34u);
}

TEST_F(FileTest, WaitsForAPermitAndGivesItBack) {
  Put("file", "x");
  FilePermits permits(1);
  FileAccess bounded = access();
  bounded.permits = &permits;
  ASSERT_TRUE(permits.TryTake());
  FakeContext waiting("file");
  waiting.CancelAt(50'000'000);
  EXPECT_EQ(MakeFileHashHandler(bounded)->Run(waiting), TaskOutcome::kStopped);
  EXPECT_GT(waiting.sleeps().size(), 3u);
  EXPECT_TRUE(waiting.operations().empty()) << "nothing is opened without a permit";
  permits.Return();
  for (int i = 0; i < 3; ++i) {
    FakeContext context("file");
    EXPECT_EQ(MakeFileHashHandler(bounded)->Run(context), TaskOutcome::kSucceeded);
    EXPECT_TRUE(context.sleeps().size() <= 1);
  }
}

struct WriteFault {
  IoKind kind;
  int64_t result;
  int skip;
  const char* words;
};

class FileWriteFaultTest : public FileTest, public testing::WithParamInterface<WriteFault> {};

TEST_P(FileWriteFaultTest, LeavesTheOldFileAndNoTemporaryOne) {
  Put("file", "old");
  const std::string payload = "file\n" + std::string(100'000, 'n');
  FakeContext context(payload);
  context.FailIo(GetParam().kind, GetParam().result, GetParam().skip);
  EXPECT_EQ(MakeFileWriteHandler(access())->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kHandlerFailed);
  EXPECT_THAT(context.error_message(), HasSubstr(GetParam().words));
  EXPECT_EQ(Get("file"), "old");
  EXPECT_THAT(Names(), ElementsAre("file"));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FileWriteFaultTest,
    testing::Values(WriteFault{IoKind::kWrite, -ENOSPC, 0, "No space left on device"},
                    WriteFault{IoKind::kWrite, -ENOSPC, 1, "No space left on device"},
                    WriteFault{IoKind::kWrite, -EDQUOT, 0, "Disk quota exceeded"},
                    WriteFault{IoKind::kWrite, 0, 0, "Input/output error"},
                    WriteFault{IoKind::kFsync, -EIO, 0, "could not be written"},
                    WriteFault{IoKind::kRename, -EACCES, 0, "could not be replaced"},
                    WriteFault{IoKind::kOpen, -EROFS, 2, "Read-only file system"}));

TEST_F(FileTest, SaysThatTheFileWasReplacedWhenOnlyItsDirectoryCouldNotBeSynced) {
  Put("file", "old");
  FakeContext context("file\nnew");
  context.FailIo(IoKind::kFsync, -EIO, 1);
  EXPECT_EQ(MakeFileWriteHandler(access())->Run(context), TaskOutcome::kFailed);
  EXPECT_THAT(context.error_message(), HasSubstr("was replaced, but may not stay so"));
  EXPECT_EQ(Get("file"), "new");
}

// Stopped before its n-th operation, for each n there is: the file is the old or the new one,
// whole.
TEST_F(FileTest, MayBeStoppedAnywhereWhileWriting) {
  size_t old_seen = 0;
  for (size_t stop_at = 0;; ++stop_at) {
    Put("file", "old");
    const std::string payload = "file\n" + std::string(100'000, 'n');
    FakeContext context(payload);
    context.before_io = [&, seen = size_t{0}](const sys::IoOperation&) mutable {
      if (seen++ == stop_at) context.Cancel();
    };
    const TaskOutcome outcome = MakeFileWriteHandler(access())->Run(context);
    EXPECT_THAT(Names(), ElementsAre("file"));
    const bool replaced = Get("file") == std::string(100'000, 'n');
    EXPECT_EQ(replaced, outcome == TaskOutcome::kSucceeded);
    EXPECT_TRUE(replaced || Get("file") == "old");
    EXPECT_EQ(OpenDescriptors(), open_before_);
    if (!replaced) ++old_seen;
    if (context.operations().size() <= stop_at) break;
  }
  EXPECT_GE(old_seen, 7u);
}

TEST(CheckRelativePath, TellsWhatIsWrong) {
  const auto message = [](std::string_view path) {
    return std::string(CheckRelativePath(path).message());
  };
  EXPECT_THAT(message(""), HasSubstr("is empty"));
  EXPECT_THAT(message("/etc/passwd"), HasSubstr("is absolute"));
  EXPECT_THAT(message(".."), HasSubstr("part \"..\""));
  EXPECT_THAT(message("a/../b"), HasSubstr("part \"..\""));
  EXPECT_THAT(message("a/.."), HasSubstr("part \"..\""));
  EXPECT_THAT(message("a//b"), HasSubstr("empty"));
  EXPECT_THAT(message("a/"), HasSubstr("empty"));
  EXPECT_THAT(message("./a"), HasSubstr("\".\""));
  EXPECT_THAT(message(std::string_view("a\0b", 3)), HasSubstr("NUL"));
  EXPECT_THAT(message("a\xff"), HasSubstr("UTF-8"));
  EXPECT_THAT(message(std::string(4096, 'a')), HasSubstr("4096 bytes, more than 4095"));
  for (const char* good : {"a", "a/b", "...", "..a", "\xc3\xa9", "a b"}) {
    EXPECT_TRUE(CheckRelativePath(good).ok()) << good;
  }
}

TEST(OpenFileRoot, NamesTheKeyAndThePath) {
  const auto root = OpenFileRoot("/nowhere/at/all");
  EXPECT_EQ(root.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(root.status().message()),
              AllOf(HasSubstr("handlers.file_root"), HasSubstr("/nowhere/at/all"),
                    HasSubstr("No such file or directory")));
  EXPECT_FALSE(OpenFileRoot("/etc/passwd").ok());
}

TEST(FileHandlers, FailWhenThereIsNoRoot) {
  for (const auto make : {&MakeFileReadHandler, &MakeFileHashHandler, &MakeFileWriteHandler}) {
    FakeContext context("file\nbytes");
    EXPECT_EQ(make({})->Run(context), TaskOutcome::kFailed);
    EXPECT_EQ(context.error_code(), TaskErrorCode::kHandlerFailed);
    EXPECT_THAT(context.error_message(), HasSubstr("handlers.file_root is not set"));
  }
}

TEST(FileWrite, RefusesAPayloadWithoutALineEnd) {
  FakeContext context("file");
  EXPECT_EQ(MakeFileWriteHandler({.root_fd = 0})->Run(context), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kInvalidPayload);
  EXPECT_THAT(context.error_message(), HasSubstr("line end"));
}

}  // namespace
}  // namespace weft
