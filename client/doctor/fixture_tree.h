#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "client/doctor/machine_root.h"

namespace weft::doctor {

// A tree of files that stands for /proc and /sys, gone with the object. For tests.
class FixtureTree {
 public:
  FixtureTree() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-doctor-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  FixtureTree(const FixtureTree&) = delete;
  FixtureTree& operator=(const FixtureTree&) = delete;
  ~FixtureTree() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  FixtureTree& Put(const std::string& path, const std::string& text) {
    const std::filesystem::path full = folder_ + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
    return *this;
  }

  FixtureTree& Link(const std::string& path, const std::string& target) {
    const std::filesystem::path full = folder_ + path;
    std::filesystem::create_directories(full.parent_path());
    std::filesystem::create_symlink(target, full);
    return *this;
  }

  [[nodiscard]] MachineRoot root() const { return MachineRoot(folder_); }

 private:
  std::string folder_;
};

}  // namespace weft::doctor
