"""The rules of tidy. Each takes a file's name and text and yields findings."""

import dataclasses
import posixpath
import re

import cpp_outline

LINE_COLUMNS_MAX = 100
HEADER_LINES_MAX = 200
SOURCE_LINES_MAX = 600
CMAKE_LINES_MAX = 80
FUNCTION_LINES_MAX = 70
NESTING_MAX = 3

# A folder sees itself and the folders of lower rows.
ROWS = {
    "sys": 0, "metrics": 0, "task": 1, "executor": 2, "wire": 2, "async": 3, "core": 4,
    "handlers": 4, "journal": 4, "dispatch": 5, "embed": 5, "rpc": 6, "ingest": 6, "web": 6,
    "config": 7, "daemon": 8,
}  # fmt: skip

# The C interface, which is installed beside the client's headers.
EMBED_HEADERS = {"weft/weft.h", "weft/result.h"}

# Third-party headers and the only places below server/ that may include them.
HOMES = [
    (r"weft/v1/|google/|grpc/|grpcpp/", r"(wire|rpc)/|handlers/.*_test\.cc"),
    (r"liburing\.h", r"sys/ring"),
    (r"boost/context/", r"core/fiber"),
    (r"boost/asio", r"executor/asio_executor"),
    (r"sqlite3\.h", r"journal/sqlite_journal"),
    (r"dlfcn\.h", r"handlers/plugin"),
    (r"civetweb\.h", r"web/"),
    (r"toml\+\+/", r"config/"),
    (r"prometheus/", r"metrics/"),
    (r"hwloc\.h", r"sys/topology_test"),
    (r"systemd/", r"daemon/"),
    (r"spdlog/", r"daemon/|main\.cc"),
    (r"isa-l", r"handlers/"),
    (r"CLI/", r"main\.cc"),
]

WORDS_NOT_IN_FILE_NAMES = {"util", "utils", "common", "misc", "helper", "helpers", "manager",
                           "base", "types"}  # fmt: skip

CORE_NEVER = [
    r"std::function\b", r"std::(recursive_|shared_|timed_)?mutex\b", r"std::condition_variable\b",
    r"std::(lock_guard|unique_lock|scoped_lock)\b", r"absl::Mutex\b", r"std::shared_ptr\b",
    r"\bspdlog\b", r"\bf?printf\b", r"std::(cout|cerr|[io]?stringstream)\b",
]  # fmt: skip
# A core's only system call is its ring's, and the only clock the one it is given.
CORE_NEVER += [
    r"(?<![\w>])::(read|write|open|close|mmap|munmap|madvise|mlock|ioctl|poll|select|futex|syscall|"
    r"usleep|nanosleep|sched_yield|clock_gettime|eventfd)\s*\(",
    r"\b(syscall|usleep|nanosleep|sched_yield|clock_gettime|gettimeofday)\s*\(",
    r"std::this_thread::", r"std::j?thread\b", r"std::(async|future|promise)\b",
    r"std::chrono::\w+_clock\b", r"absl::(Now|SleepFor)\b",
]  # fmt: skip
# Its threads may block, and the cores never wait for them.
CORE_LOCK_HOME = "server/core/blocking_pool"
# Allowed before the first task only, or where numbers are written out.
CORE_COLD_ONLY = [
    r"\bnew\b(?!\s*\()", r"\b(malloc|calloc|realloc|free)\s*\(", r"std::make_(unique|shared)\b",
    r"std::string\b(?!\s*[&*]|\(\))", r"std::to_string\b", r"absl::(StrCat|StrAppend|StrFormat)\b",
    r"\.(push_back|emplace_back|push_front|emplace_front|resize|reserve|insert|append)\s*\(",
]  # fmt: skip
CORE_COLD_FUNCTION = re.compile(r"^(Start|Create|Collect|Check|Prepare|Reserve|Map)")
DISPATCH_NEVER = [
    r"std::(recursive_|shared_|timed_)?mutex\b", r"std::condition_variable\b", r"absl::Mutex\b",
    r"std::shared_ptr\b", r"\bspdlog\b", r"std::function\b",
]  # fmt: skip
# Not part of the product, beside the code for the tests' sake.
TEST_SUPPORT = re.compile(r"_test\.cc$|_(fixture|check)\.h$|/(fake|manual)_\w+\.h$")
ENDLESS_LOOPS = [r"while \(true\)", r"for \(;;\)"]
ENDLESS_LOOP_HOMES = ("server/core/run_loop", "server/core/blocking_pool")

CPP = (".h", ".cc")
WITH_LINE_LIMIT = (".h", ".cc", ".proto", ".py", ".sh", ".js", ".mjs", ".mts", ".d.ts", ".cmake",
                   "CMakeLists.txt", ".ci/run", ".ci/check-proto")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Finding:
    rule: str
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


def is_ours(path):
    # Public protocols keep the names and the form of their authors.
    if path.startswith(("proto/grpc/", "client/node/proto/google/")):
        return False
    return path.endswith((".c", *WITH_LINE_LIMIT))


def judge(path, text, all_paths):
    yield from file_name(path)
    yield from line_lengths(path, text)
    yield from file_lengths(path, text)
    yield from to_dos(path, text)
    if path.endswith(CPP):
        yield from guards(path, text)
        yield from layers(path, text)
        yield from own_header_first(path, text, all_paths)
        functions = cpp_outline.outline(text)
        yield from function_sizes(path, functions)
        yield from banned_words(path, text, functions)
    if path.endswith("CMakeLists.txt"):
        yield from target_layers(path, text)


def file_name(path):
    stem = posixpath.basename(path).split(".")[0]
    if not path.endswith(CPP):
        return
    for part in [*posixpath.dirname(path).split("/"), stem]:
        if not re.fullmatch(r"[a-z0-9_]*", part):
            yield Finding("file-name", path, 0, f"'{part}' is not snake_case")
        for word in WORDS_NOT_IN_FILE_NAMES & set(part.split("_")):
            yield Finding("file-name", path, 0, f"'{word}' says nothing; name what it is")


def line_lengths(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        # An include or an address cannot be broken.
        if len(line) > LINE_COLUMNS_MAX and not re.search(r"#include|https?://", line):
            yield Finding("line-length", path, number, f"{len(line)} columns, at most 100")


def file_lengths(path, text):
    count = len(text.splitlines())
    limit = SOURCE_LINES_MAX
    if path.endswith(".h"):
        limit = HEADER_LINES_MAX
    elif path.endswith("CMakeLists.txt"):
        limit = CMAKE_LINES_MAX
    if count > limit:
        yield Finding("file-length", path, count, f"{count} lines, at most {limit}")


def to_dos(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"(?://|#|/\*).*\b(T[O]DO|FIX[M]E|X[X]X)\b(?!\([a-z0-9_.-]+, #\d+\))", line):
            yield Finding("to-do", path, number, "needs a name and an issue")


def guards(path, text):
    if path.endswith(".h") and "#pragma once" not in text:
        # The C ABI is read by compilers that may not know the pragma.
        if not re.search(r"#ifndef \w+_H_?\n#define \w+_H_?\n", text):
            yield Finding("guard", path, 1, "no #pragma once")


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def layers(path, text):
    for number, name, quoted in includes(text):
        first = name.split("/")[0]
        if path.startswith("client/"):
            if quoted and first in ROWS:
                yield Finding("layer", path, number, f"the client sees proto only, not {name}")
        elif path.startswith("server/"):
            yield from server_include(path, number, name, quoted and first in ROWS)


def server_include(path, number, name, is_folder):
    below = path.removeprefix("server/")
    folder = below.split("/")[0] if "/" in below else ""
    if name in EMBED_HEADERS and folder == "embed":
        return
    if name.startswith("weft/") and not name.startswith("weft/v1/"):
        yield Finding("layer", path, number, f"the server never sees the client ({name})")
    for library, home in HOMES:
        if re.match(library, name) and not re.match(home, below):
            yield Finding("home", path, number, f"{name} belongs to {home} only")
    if not is_folder or folder not in ROWS or name.split("/")[0] == folder:
        return
    seen = name.split("/")[0]
    if ROWS[seen] >= ROWS[folder]:
        yield Finding("layer", path, number, f"{folder}/ does not see {seen}/ ({name})")
    elif folder == "config" and not name.endswith("/options.h"):
        yield Finding("layer", path, number, f"config/ sees only options.h files, not {name}")


def target_layers(path, text):
    match = re.fullmatch(r"server/(\w+)/CMakeLists\.txt", path)
    if not match or match.group(1) not in ROWS:
        return
    folder = match.group(1)
    for library in re.finditer(r"weft_library\((.*?)\)", text, re.S):
        for seen in re.findall(r"\bweft_(\w+)", library.group(1)):
            if seen != folder and seen in ROWS and ROWS[seen] >= ROWS[folder]:
                yield Finding("layer", path, 0, f"weft_{folder} does not see weft_{seen}")


def own_header_first(path, text, all_paths):
    if not path.endswith(".cc"):
        return
    stem = re.sub(r"(_test)?\.cc$", "", path)
    candidates = [p for p in (f"{stem}.h", f"{path[:-3]}.h") if p in all_paths]
    first = next((name for _, name, _ in includes(text)), None)
    if candidates and first is not None:
        if posixpath.basename(first) not in {posixpath.basename(p) for p in candidates}:
            yield Finding("own-header", path, 1, f"the first include is {first}")


def function_sizes(path, functions):
    for function in functions:
        name = function.name or "a lambda"
        if function.lines > FUNCTION_LINES_MAX:
            yield Finding("function-length", path, function.first_line,
                          f"{name} has {function.lines} lines, at most 70")  # fmt: skip
        if function.deepest > NESTING_MAX:
            yield Finding("nesting", path, function.first_line,
                          f"{name} nests {function.deepest} deep, at most 3")  # fmt: skip


def banned_words(path, text, functions):
    if TEST_SUPPORT.search(path):
        return
    code = cpp_outline.blank(text)
    if path.startswith("server/core/"):
        if not path.startswith(CORE_LOCK_HOME):
            yield from words(path, code, CORE_NEVER, "is banned in core/")
        yield from warm_words(path, functions)
    elif path.startswith("server/dispatch/"):
        yield from words(path, code, DISPATCH_NEVER, "is banned in dispatch/")
    if path.startswith(("server/core/", "server/dispatch/")):
        if not path.startswith(ENDLESS_LOOP_HOMES):
            yield from words(path, code, ENDLESS_LOOPS, "has no bound", "endless-loop")


def words(path, code, patterns, why, rule="banned"):
    for number, line in enumerate(code.splitlines(), 1):
        for pattern in patterns:
            match = re.search(pattern, line)
            if match and not line.lstrip().startswith("#include"):
                yield Finding(rule, path, number, f"{match.group(0).strip()} {why}")


def warm_words(path, functions):
    for function in functions:
        name = function.short_name
        if function.is_constructor or name[:1] == "~" or CORE_COLD_FUNCTION.match(name):
            continue
        for pattern in CORE_COLD_ONLY:
            match = re.search(pattern, function.body)
            if match and name:
                yield Finding("banned", path, function.first_line,
                              f"{match.group(0).strip()} in {name}: not start-up")  # fmt: skip
