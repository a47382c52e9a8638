# What is installed, and into which package: the components weftd, libweft and libweft-dev.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(documents ${CMAKE_BINARY_DIR}/documents)
set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

install(TARGETS weftd weft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT weftd)
install(FILES ${CMAKE_SOURCE_DIR}/config/weftd.toml DESTINATION /etc/weft COMPONENT weftd)

foreach(program IN ITEMS weft weftd)
  set(completions ${CMAKE_SOURCE_DIR}/deploy/completions)
  install(FILES ${completions}/${program}.bash RENAME ${program} COMPONENT weftd
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completions}/_${program} COMPONENT weftd
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
  install(FILES ${completions}/${program}.fish COMPONENT weftd
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()

file(GLOB units CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/deploy/systemd/*.service
     ${CMAKE_SOURCE_DIR}/deploy/systemd/*.socket)
install(FILES ${units} DESTINATION /lib/systemd/system COMPONENT weftd)
foreach(kind IN ITEMS sysusers tmpfiles)
  install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/weft.${kind} RENAME weft.conf
    DESTINATION /usr/lib/${kind}.d COMPONENT weftd)
endforeach()

# Debian keeps manual pages and changelogs compressed, without a time in them.
set(compressed)
function(weft_compressed file name component folder)
  add_custom_command(
    OUTPUT ${documents}/${component}/${name}.gz
    COMMAND ${CMAKE_COMMAND} -E make_directory ${documents}/${component}
    COMMAND sh -c "gzip -9nc '${file}' > '${documents}/${component}/${name}.gz'"
    DEPENDS ${file}
    VERBATIM)
  install(FILES ${documents}/${component}/${name}.gz DESTINATION ${folder} COMPONENT ${component})
  set(compressed ${compressed} ${documents}/${component}/${name}.gz PARENT_SCOPE)
endfunction()

file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.[0-9])
foreach(page IN LISTS pages)
  cmake_path(GET page FILENAME name)
  cmake_path(GET page EXTENSION LAST_ONLY section)
  string(SUBSTRING ${section} 1 1 section)
  weft_compressed(${page} ${name} weftd ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
foreach(package IN ITEMS weftd libweft libweft-dev)
  set(folder ${CMAKE_INSTALL_DATADIR}/doc/${package})
  weft_compressed(${CMAKE_SOURCE_DIR}/CHANGELOG.md changelog ${package} ${folder})
  weft_compressed(${CMAKE_SOURCE_DIR}/deploy/debian/changelog changelog.Debian ${package} ${folder})
  install(FILES ${CMAKE_SOURCE_DIR}/deploy/debian/copyright DESTINATION ${folder}
    COMPONENT ${package})
  install(FILES ${CMAKE_SOURCE_DIR}/deploy/debian/${package}/lintian-overrides RENAME ${package}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT ${package})
endforeach()
add_custom_target(weft_documents ALL DEPENDS ${compressed})

install(TARGETS weft_client_shared weft_executor_shared EXPORT weft-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libweft NAMELINK_COMPONENT libweft-dev)
# A folder of its own: google/rpc has no package in Debian, and must not stand in another's way.
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/weft-client)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/client/include/ DESTINATION ${headers} COMPONENT libweft-dev)
install(DIRECTORY ${weft_generated_dir}/weft ${weft_generated_dir}/google DESTINATION ${headers}
  COMPONENT libweft-dev FILES_MATCHING PATTERN *.pb.h PATTERN *.grpc.pb.h EXCLUDE)

# What a program that embeds the executor includes, and what that includes.
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/weft-executor)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/server/embed/include/ DESTINATION ${headers}
  COMPONENT libweft-dev)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/server/executor ${CMAKE_SOURCE_DIR}/server/async
  ${CMAKE_SOURCE_DIR}/server/task DESTINATION ${headers} COMPONENT libweft-dev
  FILES_MATCHING PATTERN *.h PATTERN *_fixture.h EXCLUDE)
foreach(header IN ITEMS core/options.h embed/core_executor.h embed/core_group.h
                        embed/executor_options.h embed/turned_executor.h handlers/handler.h
                        sys/clock.h sys/fd.h sys/finished_list.h sys/io_operation.h
                        sys/name_resolver.h sys/net_address.h sys/options.h sys/thread.h)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${CMAKE_SOURCE_DIR}/server/${header} DESTINATION ${headers}/${folder}
    COMPONENT libweft-dev)
endforeach()

set(protos ${CMAKE_INSTALL_DATADIR}/weft/proto)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/proto/weft ${CMAKE_SOURCE_DIR}/proto/grpc
  DESTINATION ${protos} COMPONENT libweft-dev FILES_MATCHING PATTERN *.proto)
foreach(name IN ITEMS code status error_details)
  install(FILES ${WEFT_GOOGLE_PROTO_ROOT}/google/rpc/${name}.proto
    DESTINATION ${protos}/google/rpc COMPONENT libweft-dev)
endforeach()

install(EXPORT weft-targets NAMESPACE weft:: DESTINATION ${cmake_folder} COMPONENT libweft-dev)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/weft-config.cmake.in
  ${CMAKE_BINARY_DIR}/weft-config.cmake INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weft-config-version.cmake
  COMPATIBILITY SameMinorVersion)
foreach(name IN ITEMS weft weft-client)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/weft-config.cmake ${CMAKE_BINARY_DIR}/weft-config-version.cmake
  DESTINATION ${cmake_folder} COMPONENT libweft-dev)
install(FILES ${CMAKE_BINARY_DIR}/weft.pc ${CMAKE_BINARY_DIR}/weft-client.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libweft-dev)
