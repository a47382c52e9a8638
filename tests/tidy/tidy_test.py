"""Proves that each rule of tidy catches what it is for and lets good code pass."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import cpp_outline  # noqa: E402
import rules  # noqa: E402


def caught(path, text, all_paths=()):
    return {finding.rule for finding in rules.judge(path, text, list(all_paths))}


class Tidy(unittest.TestCase):
    def test_good_code_passes(self):
        text = '#include "core/inbox.h"\n\n#include "sys/clock.h"\n\nvoid F() {\n  G();\n}\n'
        self.assertEqual(caught("server/core/inbox.cc", text, ["server/core/inbox.h"]), set())

    def test_layers_point_down(self):
        for path, included in [
            ("server/core/a.cc", "dispatch/door.h"),
            ("server/core/a.cc", "handlers/registry.h"),
            ("server/sys/a.cc", "metrics/cell.h"),
            ("server/wire/a.cc", "executor/executor.h"),
            ("server/config/a.cc", "core/core.h"),
            ("server/task/a.cc", "weft/client.h"),
            ("client/a.cc", "task/task_id.h"),
        ]:
            self.assertIn("layer", caught(path, f'#include "{included}"\n'), (path, included))
        for path, included in [
            ("server/dispatch/a.cc", "core/core.h"),
            ("server/config/a.cc", "core/options.h"),
            ("server/main.cc", "daemon/server.h"),
            ("client/a.cc", "weft/v1/task.pb.h"),
        ]:
            self.assertEqual(caught(path, f'#include "{included}"\n'), set(), (path, included))

    def test_targets_point_down(self):
        text = "weft_library(weft_core SRCS core.cc\n  DEPS weft_sys weft_dispatch)\n"
        self.assertEqual(caught("server/core/CMakeLists.txt", text), {"layer"})
        self.assertEqual(caught("server/rpc/CMakeLists.txt", text.replace("core", "rpc")), set())

    def test_libraries_stay_at_home(self):
        self.assertEqual(caught("server/core/a.cc", '#include "weft/v1/task.pb.h"\n'), {"home"})
        self.assertEqual(caught("server/rpc/a.cc", "#include <liburing.h>\n"), {"home"})
        self.assertEqual(caught("server/wire/a.cc", '#include "weft/v1/task.pb.h"\n'), set())

    def test_own_header_comes_first(self):
        text = '#include <vector>\n#include "sys/fd.h"\n'
        for path in ["server/sys/fd.cc", "server/sys/fd_test.cc"]:
            self.assertEqual(caught(path, text, ["server/sys/fd.h"]), {"own-header"})
        self.assertEqual(caught("server/sys/fd.cc", text), set())

    def test_sizes(self):
        self.assertIn("line-length", caught("server/sys/a.cc", "x" * 101 + "\n"))
        self.assertIn("file-length", caught("server/sys/a.h", "#pragma once\n" * 201))
        self.assertIn("file-length", caught("server/sys/a.cc", "\n" * 601))
        self.assertIn("file-length", caught("server/sys/CMakeLists.txt", "\n" * 81))
        body = "  G();\n" * 69
        self.assertIn("function-length", caught("server/sys/a.cc", f"void F() {{\n{body}}}\n"))
        body = "  G();\n" * 68
        self.assertEqual(caught("server/sys/a.cc", f"void F() {{\n{body}}}\n"), set())

    def test_nesting(self):
        four = "void F() { if (a) { for (;;) { while (b) { if (c) { G(); } } } } }\n"
        three = "void F() { if (a) { for (;;) { while (b) { G(); } } } }\n"
        self.assertEqual(caught("server/sys/a.cc", four), {"nesting"})
        self.assertEqual(caught("server/sys/a.cc", three), set())

    def test_file_names(self):
        for path in ["server/sys/Clock.cc", "server/sys/string_utils.h", "server/common/a.cc"]:
            self.assertIn("file-name", caught(path, "#pragma once\n"), path)

    def test_to_dos_need_an_issue(self):
        to_do = "TO" + "DO"
        self.assertEqual(caught("server/sys/a.cc", f"// {to_do}: later\n"), {"to-do"})
        self.assertEqual(caught("server/sys/a.cc", f"// {to_do}(ada, #12): later\n"), set())

    def test_banned_in_core(self):
        for line in ["std::function<void()> f;", "std::mutex m;", "spdlog::info(1);"]:
            self.assertEqual(caught("server/core/a.cc", line + "\n"), {"banned"}, line)
            self.assertEqual(caught("server/core/a_test.cc", line + "\n"), set(), line)
        for line in ["auto x = new Task;", "malloc(5);", "std::string s;", "absl::StrCat(1);"]:
            warm = f"void Core::Turn() {{\n  {line}\n}}\n"
            self.assertEqual(caught("server/core/a.cc", warm), {"banned"}, line)
            for cold in ["Core::Core", "absl::Status Core::Start", "Core::~Core"]:
                text = warm.replace("void Core::Turn", cold)
                self.assertEqual(caught("server/core/a.cc", text), set(), (cold, line))

    def test_no_system_call_and_no_clock_in_core(self):
        for line in ["::read(fd, b, 1);", "usleep(1);", "std::this_thread::yield();",
                     "auto t = std::chrono::steady_clock::now();", "absl::Now();",
                     "::syscall(1);", "std::thread t;"]:  # fmt: skip
            self.assertEqual(caught("server/core/a.cc", line + "\n"), {"banned"}, line)
            self.assertEqual(caught("server/core/blocking_pool.cc", line + "\n"), set(), line)
            self.assertEqual(caught("server/sys/a.cc", line + "\n"), set(), line)
        for line in ["pool.read(1);", "IoQueue::read(1);", "clock_ = env_.Now();"]:
            self.assertEqual(caught("server/core/a.cc", line + "\n"), set(), line)

    def test_nothing_grows_in_core_after_the_start(self):
        for line in ["tasks_.push_back(1);", "tasks_.resize(2);", "map_.insert(3);"]:
            warm = f"void Core::Turn() {{\n  {line}\n}}\n"
            self.assertEqual(caught("server/core/a.cc", warm), {"banned"}, line)
            cold = warm.replace("void Core::Turn", "absl::Status Core::Prepare")
            self.assertEqual(caught("server/core/a.cc", cold), set(), line)

    def test_references_to_strings_build_nothing(self):
        text = "void Core::Turn() {\n  const std::string& s = Cold();\n}\n"
        self.assertEqual(caught("server/core/a.cc", text), set())

    def test_test_support_is_not_the_product(self):
        for name in ["door_fixture.h", "fake_core.h", "manual_env.h", "table_check.h"]:
            text = "#pragma once\nstd::function<void()> f;\n"
            self.assertEqual(caught(f"server/dispatch/{name}", text), set(), name)

    def test_placement_new_is_no_allocation(self):
        self.assertEqual(caught("server/core/a.cc", "void F() { new (slot) Task; }\n"), set())

    def test_comments_and_literals_do_not_count(self):
        text = '// no std::mutex here\nvoid F() { G("new Task {"); }\n'
        self.assertEqual(caught("server/core/a.cc", text), set())

    def test_endless_loops_have_homes(self):
        text = "void F() {\n  while (true) {\n  }\n}\n"
        self.assertEqual(caught("server/core/inbox.cc", text), {"endless-loop"})
        self.assertEqual(caught("server/core/run_loop.cc", text), set())

    def test_headers_are_guarded(self):
        self.assertEqual(caught("server/sys/a.h", "int x;\n"), {"guard"})


class Outline(unittest.TestCase):
    def names(self, text):
        return [function.name for function in cpp_outline.outline(text)]

    def test_finds_functions_where_they_hide(self):
        text = "namespace weft {\nclass A {\n int F() const { return 1; }\n};\n}"
        self.assertEqual(self.names(text), ["F"])
        self.assertEqual(self.names("Core::Core(int a) : a_(a), b_{} {}"), ["Core::Core"])
        text = "template <class T>\nvoid G(T t) requires X<T> { t(); }"
        self.assertEqual(self.names(text), ["G"])
        self.assertEqual(self.names("struct S { int a = 0; };\nint table[] = {1, 2};"), [])

    def test_lambdas_are_functions_of_their_own(self):
        found = cpp_outline.outline("void F() {\n  auto g = [x](int a) {\n    H();\n  };\n}\n")
        self.assertEqual([(f.name, f.lines) for f in found], [("", 3), ("F", 5)])

    def test_counts_the_lines_of_a_broken_head(self):
        found = cpp_outline.outline("\nvoid F(int a,\n       int b) {\n}\n")
        self.assertEqual((found[0].first_line, found[0].lines), (2, 3))


if __name__ == "__main__":
    unittest.main()
