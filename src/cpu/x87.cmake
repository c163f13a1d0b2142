# The x87's arithmetic: fp_host on an x86 host, fp_portable where MPFR is found.
# Without an x86 host fp_portable does the work and MPFR is needed.
set(TRAPGATE_FPU auto CACHE STRING "x87 arithmetic: auto, host (the host's x87) or portable (integers and MPFR)")
pkg_check_modules(MPFR IMPORTED_TARGET mpfr)

set(fp_is_x86 FALSE)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$")
  set(fp_is_x86 TRUE)
endif()
set(TRAPGATE_FP_HOST 0)
set(TRAPGATE_FP_PORTABLE 0)
if(fp_is_x86 AND NOT TRAPGATE_FPU STREQUAL portable)
  set(TRAPGATE_FP_HOST 1)
endif()
if(MPFR_FOUND AND NOT TRAPGATE_FPU STREQUAL host)
  set(TRAPGATE_FP_PORTABLE 1)
endif()
if(NOT TRAPGATE_FP_HOST AND NOT TRAPGATE_FP_PORTABLE)
  message(FATAL_ERROR "x87 arithmetic: the host's own x87 is not to be had (TRAPGATE_FPU=${TRAPGATE_FPU} on "
    "${CMAKE_SYSTEM_PROCESSOR}), and for the portable one the library MPFR is missing (Debian: libmpfr-dev)")
endif()
target_compile_definitions(tg_cpu PUBLIC
  TRAPGATE_FP_HOST=${TRAPGATE_FP_HOST} TRAPGATE_FP_PORTABLE=${TRAPGATE_FP_PORTABLE})
if(TRAPGATE_FP_PORTABLE)
  target_link_libraries(tg_cpu PRIVATE PkgConfig::MPFR)
endif()
message(STATUS "x87 arithmetic: host = ${TRAPGATE_FP_HOST}, portable = ${TRAPGATE_FP_PORTABLE}")
