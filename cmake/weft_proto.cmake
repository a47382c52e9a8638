# protobuf_generate puts its output where the includes do not find it, so each file has an explicit
# command. Output goes to ${CMAKE_BINARY_DIR}/generated: #include "weft/v1/task.pb.h".
set(weft_generated_dir ${CMAKE_BINARY_DIR}/generated)

function(weft_protoc_command root file with_grpc out_sources)
  string(REGEX REPLACE "\\.proto$" "" stem ${file})
  set(outputs ${weft_generated_dir}/${stem}.pb.cc ${weft_generated_dir}/${stem}.pb.h)
  set(grpc_arguments)
  if(with_grpc)
    list(APPEND outputs ${weft_generated_dir}/${stem}.grpc.pb.cc
         ${weft_generated_dir}/${stem}.grpc.pb.h)
    set(grpc_arguments --grpc_out=${weft_generated_dir}
        --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
  endif()
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${weft_generated_dir}
    COMMAND $<TARGET_FILE:protobuf::protoc> -I ${CMAKE_CURRENT_SOURCE_DIR}
            -I ${WEFT_GOOGLE_PROTO_ROOT} --cpp_out=${weft_generated_dir} ${grpc_arguments}
            ${root}/${file}
    DEPENDS ${root}/${file} ${weft_all_protos}
    COMMENT "protoc ${file}"
    VERBATIM)
  set(${out_sources} ${outputs} PARENT_SCOPE)
endfunction()

# PROTOS: paths below the calling folder, all with the gRPC plugin. GOOGLE: paths below
# WEFT_GOOGLE_PROTO_ROOT, messages only; by default what google.rpc error details need.
function(weft_proto)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "PROTOS;GOOGLE")
  if(NOT arg_GOOGLE)
    set(arg_GOOGLE google/rpc/code.proto google/rpc/status.proto google/rpc/error_details.proto)
  endif()
  if(NOT EXISTS ${WEFT_GOOGLE_PROTO_ROOT}/google/rpc/status.proto)
    message(FATAL_ERROR "google/rpc/status.proto is not below ${WEFT_GOOGLE_PROTO_ROOT}; "
                        "run deploy/install-deps.sh or set WEFT_GOOGLE_PROTO_ROOT")
  endif()
  # One file may import any other of ours, so each command depends on all of them.
  list(TRANSFORM arg_PROTOS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE weft_all_protos)
  set(sources)
  foreach(file IN LISTS arg_PROTOS)
    weft_protoc_command(${CMAKE_CURRENT_SOURCE_DIR} ${file} TRUE generated)
    list(APPEND sources ${generated})
  endforeach()
  foreach(file IN LISTS arg_GOOGLE)
    weft_protoc_command(${WEFT_GOOGLE_PROTO_ROOT} ${file} FALSE generated)
    list(APPEND sources ${generated})
  endforeach()
  # Generated code is not ours to warn about: no weft_flags, and a SYSTEM include folder.
  add_library(weft_proto STATIC ${sources})
  target_include_directories(weft_proto SYSTEM PUBLIC ${weft_generated_dir})
  target_link_libraries(weft_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf)
  set(weft_proto_sources ${sources} PARENT_SCOPE)
endfunction()
