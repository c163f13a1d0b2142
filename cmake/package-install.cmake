# cmake --install: the program, the libraries, and what finds them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(trapgate PROPERTIES EXPORT_NAME cli)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Trapgate)
install(TARGETS trapgate trapgate_shared EXPORT TrapgateTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/lib/libtrapgate.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/trapgate DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY python/trapgate DESTINATION ${CMAKE_INSTALL_DATADIR}/trapgate/python FILES_MATCHING PATTERN "*.py")
install(EXPORT TrapgateTargets NAMESPACE trapgate:: DESTINATION ${package})

file(RELATIVE_PATH TRAPGATE_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" TRAPGATE_UP "${TRAPGATE_UP}")
get_property(TRAPGATE_MODULES GLOBAL PROPERTY TRAPGATE_MODULES)
configure_file(cmake/package/trapgate.pc.in trapgate.pc @ONLY)
configure_package_config_file(cmake/package/TrapgateConfig.cmake.in TrapgateConfig.cmake INSTALL_DESTINATION ${package}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(TrapgateConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/trapgate.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/TrapgateConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/TrapgateConfigVersion.cmake
  cmake/package/TrapgateTest.cmake DESTINATION ${package})
