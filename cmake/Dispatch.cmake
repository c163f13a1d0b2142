# Which dispatch the handlers use.  "tail" needs a compiler that guarantees
# tail calls; that is found out by running a program that would overflow its
# stack without them, built as debug and as release, not by asking for a version.
set(TRAPGATE_TAILCALL 0)
if(NOT TRAPGATE_DISPATCH STREQUAL loop)
  set(source ${CMAKE_CURRENT_LIST_DIR}/musttail.c)
  set(proven TRUE)
  foreach(level -O0 -O2)
    try_run(ran compiled ${CMAKE_BINARY_DIR}/musttail${level} ${source}
      COMPILE_DEFINITIONS ${level})
    if(NOT compiled OR NOT ran EQUAL 0)
      set(proven FALSE)
    endif()
  endforeach()
  if(proven)
    set(TRAPGATE_TAILCALL 1)
  elseif(TRAPGATE_DISPATCH STREQUAL tail)
    message(FATAL_ERROR "TRAPGATE_DISPATCH=tail: ${CMAKE_C_COMPILER} has no guaranteed tail calls (clang has)")
  endif()
endif()
message(STATUS "Dispatch: tail calls = ${TRAPGATE_TAILCALL}")
add_compile_definitions(TRAPGATE_TAILCALL=${TRAPGATE_TAILCALL})
