# Every third-party package, found once. Debian 12 names; deploy/install-deps.sh installs them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(tomlplusplus CONFIG REQUIRED)

# A newer Boost may be installed beside it and would win, so the version is exact.
find_package(Boost 1.74.0 EXACT REQUIRED COMPONENTS context)

pkg_check_modules(uring REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)

if(WEFT_TESTS)
  find_package(GTest CONFIG REQUIRED)
  # What sys/topology reads is held against it.
  pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc)
  include(GoogleTest)
endif()

if(NOT WEFT_CORE_ONLY)
  # Module mode only: protobuf 3.21 of Debian ships no CMake package, and gRPC's needs its targets.
  find_package(Protobuf REQUIRED)
  find_package(gRPC CONFIG REQUIRED)
  find_package(spdlog CONFIG REQUIRED)

  find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
  add_library(weft_cli11 INTERFACE)
  target_include_directories(weft_cli11 SYSTEM INTERFACE ${CLI11_INCLUDE_DIR})

  find_path(CIVETWEB_INCLUDE_DIR civetweb.h REQUIRED)
  find_library(CIVETWEB_LIBRARY civetweb REQUIRED)
  add_library(weft_civetweb INTERFACE)
  target_include_directories(weft_civetweb SYSTEM INTERFACE ${CIVETWEB_INCLUDE_DIR})
  target_link_libraries(weft_civetweb INTERFACE ${CIVETWEB_LIBRARY})

  if(WEFT_BENCH)
    find_package(benchmark CONFIG REQUIRED)
    find_package(TBB CONFIG REQUIRED)
    find_package(Boost 1.74.0 EXACT REQUIRED COMPONENTS context fiber)

    find_path(CONCURRENTQUEUE_INCLUDE_DIR concurrentqueue/concurrentqueue.h REQUIRED)
    add_library(weft_concurrentqueue INTERFACE)
    target_include_directories(weft_concurrentqueue SYSTEM
                               INTERFACE ${CONCURRENTQUEUE_INCLUDE_DIR})
  endif()
endif()

# Debian has no package with google/rpc/*.proto; npm's google-proto-files does.
set(WEFT_GOOGLE_PROTO_ROOT ${CMAKE_SOURCE_DIR}/deploy/tools/node_modules/google-proto-files
    CACHE PATH "Folder that holds google/rpc/status.proto")
