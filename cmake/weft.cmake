# The functions with which every folder describes itself:
#
#   weft_library(NAME SRCS a.cc ... DEPS weft_task absl::status ...)
#     A static library; without SRCS a header-only one.
#   weft_executable(NAME SRCS main.cc ... DEPS ... [OUTPUT name])
#     Placed in build/<preset>/bin.
#   weft_test(NAME SRCS a_test.cc ... DEPS ... [LABELS l ...] [TIMEOUT s] [SERIAL])
#     Every gtest case is a ctest test of its own. Label "race" what races on purpose: under
#     ThreadSanitizer there is a test NAME.rounds more, labelled so, that goes through all of them
#     20 times.
#   weft_clears_by_stores(NAME): for what runs once a task.
#   weft_optimised_when_linked(NAME): for what a task passes through in many small functions.
#   weft_proto(PROTOS weft/v1/task.proto ... [GOOGLE google/rpc/status.proto ...])
#     The target weft_proto; called once, in proto/.
include_guard(GLOBAL)

add_library(weft_flags INTERFACE)
target_include_directories(weft_flags INTERFACE ${CMAKE_SOURCE_DIR}/server)
target_compile_options(
  weft_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion $<$<BOOL:${WEFT_WERROR}>:-Werror>
                       # Designated initialisers leave the rest to the defaults on purpose.
                       -Wno-missing-field-initializers
                       # A frame over one page must not jump a fiber's guard page.
                       -fstack-clash-protection)
target_link_libraries(weft_flags INTERFACE Threads::Threads)

if(WEFT_SANITIZE)
  # Without no-recover UBSan reports and exits 0.
  add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

# g++ 12 clears structures of 65 bytes and more by `rep stos`, which takes 10 ns to begin. Not in
# the builds that clang-tidy reads: it does not know the option.
function(weft_clears_by_stores name)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(
      ${name} PRIVATE
        $<$<CONFIG:Release>:-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign>)
  endif()
endfunction()

# A task passes through many small functions of several libraries between the socket and its core:
# put into each other when the program is linked (bench/README.md). Not for the core, whose hot path
# is one function by itself.
function(weft_optimised_when_linked name)
  if(WEFT_LTO AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
    target_link_options(${name} INTERFACE $<$<CONFIG:Release>:-flto=auto>)
  endif()
endfunction()

function(weft_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS")
  if(arg_SRCS)
    add_library(${name} STATIC ${arg_SRCS})
    target_link_libraries(${name} PUBLIC weft_flags ${arg_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE weft_flags ${arg_DEPS})
  endif()
endfunction()

function(weft_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT" "SRCS;DEPS")
  add_executable(${name} ${arg_SRCS})
  target_link_libraries(${name} PRIVATE weft_flags ${arg_DEPS})
  if(arg_OUTPUT)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME ${arg_OUTPUT})
  endif()
endfunction()

function(weft_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT" "SRCS;DEPS;LABELS")
  if(NOT WEFT_TESTS)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SRCS})
  target_link_libraries(${name} PRIVATE weft_flags ${arg_DEPS} GTest::gmock_main)
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
  # One pass rarely meets a race. In one process, for to start one takes longer than most tests.
  if(WEFT_SANITIZE STREQUAL "thread" AND "race" IN_LIST arg_LABELS)
    add_test(NAME ${name}.rounds COMMAND ${name} --gtest_repeat=20 --gtest_brief=1)
    set_tests_properties(${name}.rounds PROPERTIES LABELS rounds TIMEOUT 600)
  endif()
endfunction()

include(weft_proto)
