# The package for programs that attach: `find_package(overwatch)` gives `overwatch::client` and `overwatch::messages`.
# `cmake --install <build> --component development --prefix <where>` installs it alone.
include(CMakePackageConfigHelpers)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/overwatch)

install(DIRECTORY messages DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/overwatch COMPONENT development
  FILES_MATCHING PATTERN "*.hpp")
install(TARGETS overwatch_messages overwatch_client EXPORT overwatch
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/overwatch)
install(EXPORT overwatch NAMESPACE overwatch:: FILE overwatch-targets.cmake DESTINATION ${package_directory}
  COMPONENT development)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/overwatch-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES config/cmake/overwatch-config.cmake ${PROJECT_BINARY_DIR}/overwatch-config-version.cmake
  DESTINATION ${package_directory} COMPONENT development)
