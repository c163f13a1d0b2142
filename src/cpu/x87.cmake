# The x87's arithmetic is done with integers; its transcendental functions on the host's own
# x87 where the host has one, else with MPFR.  Where MPFR is found both are built, and compared
# by tests/x87.
set(TRAPGATE_FPU auto CACHE STRING
  "x87 functions: auto, host (the host's x87, no MPFR) or portable (MPFR: the same results on every host)")
pkg_check_modules(MPFR IMPORTED_TARGET mpfr)

set(TRAPGATE_FP_HOST 0)
set(TRAPGATE_FP_MPFR 0)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$" AND NOT TRAPGATE_FPU STREQUAL portable)
  set(TRAPGATE_FP_HOST 1)
endif()
if(MPFR_FOUND AND NOT TRAPGATE_FPU STREQUAL host)
  set(TRAPGATE_FP_MPFR 1)
endif()
if(NOT TRAPGATE_FP_HOST AND NOT TRAPGATE_FP_MPFR)
  message(FATAL_ERROR "x87 functions: the host's own x87 is not to be had (TRAPGATE_FPU=${TRAPGATE_FPU} on "
    "${CMAKE_SYSTEM_PROCESSOR}), and without it the library MPFR is needed (Debian: libmpfr-dev)")
endif()
target_compile_definitions(tg_cpu PUBLIC
  TRAPGATE_FP_HOST=${TRAPGATE_FP_HOST} TRAPGATE_FP_MPFR=${TRAPGATE_FP_MPFR})
if(TRAPGATE_FP_MPFR)
  target_link_libraries(tg_cpu PRIVATE PkgConfig::MPFR)
endif()
message(STATUS "x87 functions: host = ${TRAPGATE_FP_HOST}, MPFR = ${TRAPGATE_FP_MPFR}")
# SSE's fast ways (cpu/sse_fp_fast.h) count on each operation being rounded by itself, and call fma().
target_compile_options(tg_cpu PUBLIC -ffp-contract=off)
target_link_libraries(tg_cpu PUBLIC m)
