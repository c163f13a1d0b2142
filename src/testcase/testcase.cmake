# What the tests of `trapgate test` are read with.
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
find_package(Threads REQUIRED)
target_link_libraries(tg_testcase PUBLIC PkgConfig::YAML PkgConfig::JANSSON PkgConfig::ZLIB PkgConfig::CAPSTONE
  Threads::Threads)
target_sources(tg_testcase PRIVATE testcase/native_enter.S)
