# libweft-client.so, the client library as the packages ship it. Its objects are its own: compiled
# position independent and with everything hidden but what weft/export.h marks, so that those of the
# daemon and of the command line stay as they are.
add_library(weft_client_shared SHARED ${weft_client_sources}
  $<TARGET_OBJECTS:weft_shared_messages> $<TARGET_OBJECTS:weft_shared_stubs>)
set_target_properties(weft_client_shared PROPERTIES
  OUTPUT_NAME weft-client
  EXPORT_NAME client
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON
  VERSION ${PROJECT_VERSION}
  # Before 1.0 every minor version may change the interface.
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_include_directories(weft_client_shared
  PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
         $<INSTALL_INTERFACE:include/weft-client>
  PRIVATE ${CMAKE_SOURCE_DIR})
target_include_directories(weft_client_shared SYSTEM PRIVATE ${weft_generated_dir})
target_compile_features(weft_client_shared PUBLIC cxx_std_17)
target_link_libraries(weft_client_shared
  PUBLIC protobuf::libprotobuf absl::any_invocable absl::status absl::statusor absl::strings
  PRIVATE $<BUILD_INTERFACE:weft_flags> $<TARGET_LINKER_FILE:gRPC::grpc++>
          $<TARGET_LINKER_FILE:gRPC::gpr>)
# A library that lacks a symbol shall fail here, not at its user's.
target_link_options(weft_client_shared PRIVATE -Wl,--no-undefined -Wl,--as-needed)
