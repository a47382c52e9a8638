// The file handlers on a real core with each real ring: right answers, and for every kind of bad
// input a failure that says what was found. Descriptors are counted before and after each test.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "io_fixture.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kMillionAs =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

class FileHandlersTest : public IoTest {
 protected:
  void SetUp() override {
    IoTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // The first of each makes what lasts, such as the ring's own.
    Put("warm", "x");
    Run("file.read", "warm");
    fs::remove(root_ / "warm");
    open_before_ = OpenDescriptors();
  }
  void TearDown() override {
    if (core_ != nullptr && open_before_ != 0) {
      EXPECT_EQ(OpenDescriptors(), open_before_) << "a descriptor leaked";
    }
    IoTest::TearDown();
  }

  static size_t OpenDescriptors() {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
  }
  void Put(const std::string& name, const std::string& bytes) {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  std::string Get(const std::string& name) {
    std::ifstream file(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> NamesIn(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  void ExpectFailed(const End& end, const std::string& words,
                    TaskErrorCode code = TaskErrorCode::kHandlerFailed) {
    EXPECT_EQ(end.state, TaskState::kFailed) << words;
    EXPECT_EQ(end.error_code, code) << words;
    EXPECT_THAT(end.error_message, HasSubstr(words));
  }
  // All three handlers refuse the path, and nothing is left behind.
  void ExpectRefused(const std::string& path, const std::string& words,
                     TaskErrorCode code = TaskErrorCode::kHandlerFailed) {
    const auto before = NamesIn(root_);
    ExpectFailed(Run("file.read", path), words, code);
    ExpectFailed(Run("file.hash", path), words, code);
    ExpectFailed(Run("file.write", path + "\nnew"), words, code);
    EXPECT_EQ(NamesIn(root_), before);
  }
  void ExpectRefusedAsPayload(const std::string& path, const std::string& words) {
    ExpectRefused(path, words, TaskErrorCode::kInvalidPayload);
  }

  size_t open_before_ = 0;
};

TEST_P(FileHandlersTest, ReadsHashesAndWrites) {
  const std::string bytes(1'000'000, 'a');
  End end = Run("file.write", "file\n" + bytes);
  EXPECT_EQ(end.state, TaskState::kSucceeded) << end.error_message;
  EXPECT_EQ(end.output, "1000000");
  EXPECT_EQ(Get("file"), bytes);
  end = Run("file.hash", "file");
  EXPECT_EQ(end.output, kMillionAs) << end.error_message;
  end = Run("file.read", "file");
  EXPECT_EQ(end.output, bytes) << end.error_message;
  EXPECT_THAT(NamesIn(root_), ElementsAre("file"));
}

TEST_P(FileHandlersTest, WorkInFoldersAndWithNamesOfAnyScript) {
  fs::create_directories(root_ / "a/b");
  EXPECT_EQ(Run("file.write", "a/b/\xc3\xa9t\xc3\xa9 1\n").output, "0");
  EXPECT_EQ(Run("file.read", "a/b/\xc3\xa9t\xc3\xa9 1").state, TaskState::kSucceeded);
  EXPECT_EQ(Run("file.hash", "a/b/\xc3\xa9t\xc3\xa9 1").output,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_P(FileHandlersTest, RefusePathsThatAreNone) {
  ExpectRefusedAsPayload("", "is empty");
  ExpectRefusedAsPayload("/etc/passwd", "is absolute");
  ExpectRefusedAsPayload("../passwd", "\"..\"");
  ExpectRefusedAsPayload("a/../../b", "\"..\"");
  ExpectRefusedAsPayload(std::string("a\0b", 3), "NUL");
  ExpectRefusedAsPayload("\xff\xfe", "UTF-8");
  ExpectRefusedAsPayload(std::string(5000, 'a'), "5000 bytes");
}

TEST_P(FileHandlersTest, RefuseANameThatTheFileSystemDoesNotTake) {
  ExpectRefused(std::string(300, 'a'), "longer than the file system takes");
}

TEST_P(FileHandlersTest, FollowNoSymbolicLink) {
  Put("real", "x");
  fs::create_directory(root_ / "folder");
  Put("folder/file", "x");
  fs::create_symlink("real", root_ / "link");
  fs::create_symlink("/etc/passwd", root_ / "out");
  fs::create_directory_symlink("folder", root_ / "side");
  ExpectRefused("link", "symbolic link");
  ExpectRefused("out", "symbolic link");
  ExpectRefused("side/file", "symbolic link");
  EXPECT_EQ(Get("real"), "x");
}

TEST_P(FileHandlersTest, FollowNoMagicLink) {
  Start("/proc");
  open_before_ = 0;
  const std::string self = std::to_string(getpid());
  ExpectFailed(Run("file.read", self + "/exe"), "symbolic link");
  ExpectFailed(Run("file.read", self + "/root/etc/passwd"), "symbolic link");
  // A file that tells no size is read to its end.
  EXPECT_THAT(Run("file.read", self + "/status").output, HasSubstr("VmRSS"));
}

TEST_P(FileHandlersTest, RefuseWhatIsNoRegularFileAndOpenNoneForReal) {
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  fs::create_directory(root_ / "folder");
  const sys::Fd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {.sun_family = AF_UNIX};
  (root_ / "socket").string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  open_before_ = OpenDescriptors();
  ExpectRefused("fifo", "\"fifo\" is a fifo, not a regular file");
  ExpectRefused("folder", "is a directory, not a regular file");
  ExpectRefused("socket", "is a socket, not a regular file");
  --open_before_;  // The socket goes before the count.
}

TEST_P(FileHandlersTest, RefuseADevice) {
  Start("/dev");
  open_before_ = 0;
  for (const char* handler : {"file.read", "file.hash"}) {
    ExpectFailed(Run(handler, "null"), "\"null\" is a character device, not a regular file");
  }
  ExpectFailed(Run("file.write", "null\nnew"), "is a character device, not a regular file");
}

TEST_P(FileHandlersTest, SayThatAFileOrAFolderIsMissing) {
  for (const char* handler : {"file.read", "file.hash"}) {
    ExpectFailed(Run(handler, "missing"), "does not exist beneath handlers.file_root");
  }
  ExpectFailed(Run("file.write", "missing/file\nnew"), "does not exist");
  Put("file", "x");
  ExpectRefused("file/below", "leads through something that is not a directory");
}

TEST_P(FileHandlersTest, TellsTheSizeOfAFileThatDoesNotFit) {
  Put("file", "");
  fs::resize_file(root_ / "file", kMostBytes + 1);
  ExpectFailed(Run("file.read", "file"), "1000001 bytes", TaskErrorCode::kOutputTooLarge);
  EXPECT_EQ(Run("file.hash", "file").state, TaskState::kSucceeded);
}

// As somebody who is not root, to whom all is permitted.
class Unprivileged {
 public:
  Unprivileged() : is_root_(geteuid() == 0) {
    if (is_root_) is_good_ = setegid(65534) == 0 && seteuid(65534) == 0;
  }
  ~Unprivileged() {
    if (is_root_ && (seteuid(0) != 0 || setegid(0) != 0)) std::abort();
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  bool is_good() const { return is_good_; }

 private:
  const bool is_root_;
  bool is_good_ = true;
};

TEST_P(FileHandlersTest, SayThatPermissionIsMissing) {
  Put("secret", "x");
  fs::create_directory(root_ / "sealed");
  Put("sealed/file", "old");
  fs::permissions(root_, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  fs::permissions(root_ / "secret", fs::perms::none);
  fs::permissions(root_ / "sealed", fs::perms::owner_read | fs::perms::owner_exec |
                                        fs::perms::others_read | fs::perms::others_exec);
  // The core starts with what it may, so that kernel's workers and threads have no more.
  const Unprivileged person;
  ASSERT_TRUE(person.is_good());
  Start(root_);
  open_before_ = 0;
  ExpectFailed(Run("file.read", "secret"), "Permission denied");
  ExpectFailed(Run("file.hash", "secret"), "Permission denied");
  ExpectFailed(Run("file.write", "sealed/file\nnew"), "could not be written: Permission denied");
  ExpectFailed(Run("file.write", "sealed/other\nnew"), "could not be written: Permission denied");
  EXPECT_EQ(Get("sealed/file"), "old");
  EXPECT_THAT(NamesIn(root_ / "sealed"), ElementsAre("file"));
  core_.reset();
}

TEST_P(FileHandlersTest, AFullDiskLeavesTheOldFile) {
  fs::create_directory(root_ / "disk");
  if (mount("tmpfs", (root_ / "disk").c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "needs root to mount a small file system";
  }
  EXPECT_EQ(Run("file.write", "disk/file\nold").state, TaskState::kSucceeded);
  ExpectFailed(Run("file.write", "disk/file\n" + std::string(900'000, 'n')),
               "could not be written: No space left on device");
  EXPECT_EQ(Get("disk/file"), "old");
  EXPECT_THAT(NamesIn(root_ / "disk"), ElementsAre("file"));
  EXPECT_EQ(umount((root_ / "disk").c_str()), 0);
}

TEST_P(FileHandlersTest, AReadOnlyDiskLeavesTheOldFile) {
  fs::create_directory(root_ / "disk");
  const std::string disk = root_ / "disk";
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs root to mount a file system";
  }
  Put("disk/file", "old");
  EXPECT_EQ(mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  ExpectFailed(Run("file.write", "disk/file\nnew"), "Read-only file system");
  EXPECT_EQ(Run("file.read", "disk/file").output, "old");
  EXPECT_EQ(umount(disk.c_str()), 0);
}

// The limit on the size of files acts like a full disk, without root; its signal must not end the
// process. The daemon ignores it, too.
TEST_P(FileHandlersTest, AFileBeyondTheProcessLimitLeavesTheOldFile) {
  Put("file", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = 100'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const End end = Run("file.write", "file\n" + std::string(500'000, 'n'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ExpectFailed(end, "could not be written: File too large");
  EXPECT_EQ(Get("file"), "old");
  EXPECT_THAT(NamesIn(root_), ElementsAre("file"));
}

// Writers of one file: each result is one of what was written, whole, whoever comes last.
TEST_P(FileHandlersTest, RacingWritesLeaveOneOfThemWhole) {
  std::vector<std::string> payloads;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    payloads.push_back("file\n" + std::string(200'000, letter));
  }
  for (int round = 0; round < 10; ++round) {
    for (const std::string& payload : payloads) Submit("file.write", payload);
    Submit("file.read", "file");
    for (size_t i = 0; i < payloads.size() + 1; ++i) {
      const End end = Next();
      if (end.state != TaskState::kSucceeded) {
        ExpectFailed(end, "does not exist");  // A read before the first write.
        EXPECT_EQ(round, 0);
      } else if (end.output != "200000") {
        EXPECT_EQ(end.output, std::string(200'000, end.output.front()));
      }
    }
    const std::string bytes = Get("file");
    EXPECT_EQ(bytes, std::string(200'000, bytes.front()));
    EXPECT_THAT(NamesIn(root_), ElementsAre("file"));
  }
}

TEST_P(FileHandlersTest, ACancelEndsAHashAndCleansUpAfterAWrite) {
  Put("large", "");
  fs::resize_file(root_ / "large", int64_t{1} << 40);
  Cancel(Submit("file.hash", "large"));
  EXPECT_EQ(Next().state, TaskState::kCancelled);
  const uint32_t running = Submit("file.hash", "large");
  while (core_->SlotStarted(running) == 0) std::this_thread::yield();
  Cancel(running);
  EXPECT_EQ(Next().state, TaskState::kCancelled);
  Submit("file.hash", "large", clock_.anchor().NsToTicks(20'000'000));
  EXPECT_EQ(Next().state, TaskState::kExpired);
  fs::remove(root_ / "large");
  const std::string payload = "file\n" + std::string(900'000, 'n');
  for (int round = 0; round < 50; ++round) {
    const uint32_t slot = Submit("file.write", payload);
    while (core_->SlotStarted(slot) == 0) std::this_thread::yield();
    Cancel(slot);
    const End end = Next();
    EXPECT_TRUE(end.state == TaskState::kCancelled || end.state == TaskState::kSucceeded);
    EXPECT_EQ(fs::exists(root_ / "file"), end.state == TaskState::kSucceeded);
    fs::remove(root_ / "file");
    EXPECT_THAT(NamesIn(root_), ElementsAre());
  }
}

TEST_P(FileHandlersTest, MoreTasksThanEntriesAllEnd) {
  Start(root_, 8);
  Put("file", std::string(100'000, 'x'));
  for (int i = 0; i < 200; ++i) Submit("file.hash", "file");
  for (int i = 0; i < 200; ++i) EXPECT_EQ(Next().state, TaskState::kSucceeded);
  EXPECT_GT(core_->stats().io.entry_waits.value(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Backends, FileHandlersTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), BackendName);

}  // namespace
}  // namespace weft
