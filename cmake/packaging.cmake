# Three Debian packages from one build: `cmake --preset package && cmake --build --preset package
# && cpack --preset package`. Files and their packages are in install.cmake, what dpkg runs is in
# deploy/debian/.
set(WEFT_MAINTAINER "weft maintainers <maintainers@weft.invalid>"
    CACHE STRING "Who answers for the packages: Name <address>")
set(WEFT_PACKAGE_REVISION 1 CACHE STRING "Debian revision of the packages")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weft)
set(CPACK_PACKAGE_VENDOR weft)
set(CPACK_PACKAGE_CONTACT ${WEFT_MAINTAINER})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_COMPONENTS_ALL weftd libweft libweft-dev)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_STRIP_FILES ON)
# Without it a file for /etc would be installed on the machine that builds.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${WEFT_PACKAGE_REVISION})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# The libraries are found here while the daemon's and their own dependencies are worked out.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/client ${CMAKE_BINARY_DIR})

set(control ${CMAKE_SOURCE_DIR}/deploy/debian)
# Each description's first line is its own, not the project's.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(first "weft is a task server for microsecond work. Its daemon pins one worker
thread to each CPU, takes tasks over gRPC, runs each on one core by priority,
and answers with a result that says what came out and where the time went.
")

set(CPACK_DEBIAN_WEFTD_PACKAGE_NAME weftd)
set(CPACK_DEBIAN_WEFTD_PACKAGE_SECTION net)
set(CPACK_DEBIAN_WEFTD_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_WEFTD_PACKAGE_DEPENDS
    "init-system-helpers (>= 1.54~), systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_WEFTD_PACKAGE_CONTROL_EXTRA
    ${control}/weftd/conffiles ${control}/weftd/postinst ${control}/weftd/prerm
    ${control}/weftd/postrm)
set(CPACK_DEBIAN_WEFTD_DESCRIPTION "task server for microsecond work
${first}
This package holds the daemon weftd with its service, and the command line
weft.")

# Only the library's package holds one, so only it gets a shlibs file.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBWEFT_PACKAGE_NAME libweft)
set(CPACK_DEBIAN_LIBWEFT_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBWEFT_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBWEFT_PACKAGE_CONTROL_EXTRA ${control}/libweft/triggers)
set(CPACK_DEBIAN_LIBWEFT_DESCRIPTION "executor and client libraries of weftd
${first}
This package holds the shared libraries that programs run with which embed the
executor, and those that are clients in C++.")

set(CPACK_DEBIAN_LIBWEFT-DEV_PACKAGE_NAME libweft-dev)
set(CPACK_DEBIAN_LIBWEFT-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBWEFT-DEV_PACKAGE_DEPENDS
    "libweft (= ${PROJECT_VERSION}-${WEFT_PACKAGE_REVISION}), libprotobuf-dev, libabsl-dev")
set(CPACK_DEBIAN_LIBWEFT-DEV_DESCRIPTION "executor and client libraries of weftd, development files
${first}
This package holds the headers, the CMake package weft with its targets
weft::executor and weft::client, the pkg-config files weft and weft-client, and
the .proto files.")

include(CPack)
