#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weft {

// One entry of executor.cores: a CPU by its number, or CPUs by where they sit.
struct CpuName {
  enum class Kind : uint8_t { kCpu, kPackage, kNumaNode };

  Kind kind = Kind::kCpu;
  uint32_t number = 0;  // Of the CPU, the package or the node.
  // Of a package or a node: the one of its allowed CPUs in that place, ascending, from 0 on;
  // absent: all of them.
  std::optional<uint32_t> place;

  // Whether it stands for one CPU, and not for as many as there are.
  bool is_single() const { return kind == Kind::kCpu || place.has_value(); }
  // "3", "p1", "n0:2".
  std::string Text() const {
    const char* const letter = kind == Kind::kCpu ? "" : kind == Kind::kPackage ? "p" : "n";
    return letter + std::to_string(number) + (place ? ":" + std::to_string(*place) : "");
  }

  bool operator==(const CpuName&) const = default;
};

// Which way file I/O takes.
enum class IoChoice : uint8_t {
  kAuto,     // io_uring where the kernel grants it, else threads.
  kIoUring,  // io_uring, or no start.
  kThreads,
};

// How the daemon does its file I/O.
struct IoOptions {
  IoChoice backend = IoChoice::kAuto;
  uint32_t ring_entries = 256;  // Operations under way at once, of each core.
  uint32_t threads = 4;         // Shared by all cores; with io_uring at most two, for hints.
};

}  // namespace weft
