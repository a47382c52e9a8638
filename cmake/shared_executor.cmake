# libweft.so, the executor as programs embed it: the folders below, compiled once more for it. All
# of it is visible, because a program's own templates are made of it; what it is linked from is not.
set(sources)
foreach(part IN ITEMS sys metrics task fallback_executor executor asio_executor async core embed)
  get_target_property(listed weft_${part} SOURCES)
  get_target_property(place weft_${part} SOURCE_DIR)
  list(TRANSFORM listed PREPEND ${place}/)
  list(APPEND sources ${listed})
endforeach()

# How weftd writes its numbers out is weftd's.
list(FILTER sources EXCLUDE REGEX "(_metrics|/exporter)\\.cc$")

add_library(weft_executor_shared SHARED ${sources})
set_target_properties(weft_executor_shared PROPERTIES
  OUTPUT_NAME weft
  EXPORT_NAME executor
  VERSION ${PROJECT_VERSION}
  # Before 1.0 every minor version may change the C++ interface; weft.h tells its own.
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_include_directories(weft_executor_shared
  PUBLIC $<INSTALL_INTERFACE:include/weft-executor>
  PRIVATE ${CMAKE_SOURCE_DIR}/server ${CMAKE_SOURCE_DIR}/server/embed/include)
target_compile_features(weft_executor_shared PUBLIC cxx_std_20)
target_compile_definitions(weft_executor_shared PRIVATE WEFT_VERSION="${PROJECT_VERSION}")
target_compile_options(weft_executor_shared PRIVATE -fno-semantic-interposition)
target_link_libraries(weft_executor_shared
  PUBLIC absl::status absl::statusor absl::strings
  PRIVATE $<BUILD_INTERFACE:weft_flags> $<BUILD_INTERFACE:Boost::headers>
          $<TARGET_FILE:Boost::context> absl::span absl::symbolize
          $<BUILD_INTERFACE:PkgConfig::uring>)
# A library that lacks a symbol shall fail here, not at its user's.
target_link_options(weft_executor_shared PRIVATE
  -Wl,--no-undefined -Wl,--as-needed -Wl,--exclude-libs,ALL -Wl,-Bsymbolic-functions)
weft_clears_by_stores(weft_executor_shared)
