# libtrapgate: shared and static, and what other projects need to use it.  Included where the house is complete.
include(GNUInstallDirs)
target_include_directories(tg_api PRIVATE ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(tg_api PRIVATE TRAPGATE_VERSION="${PROJECT_VERSION}")

# tg_closure(objects libraries TARGET): the directories of the house that TARGET links, and what it links besides.
function(tg_closure objects libraries target)
  set(waiting ${target})
  set(seen)
  set(others)
  while(waiting)
    list(POP_FRONT waiting next)
    if(next MATCHES "^tg_")
      if(NOT next IN_LIST seen)
        list(APPEND seen ${next})
        get_target_property(links ${next} LINK_LIBRARIES)
        if(links)
          list(APPEND waiting ${links})
        endif()
      endif()
    else()
      list(APPEND others ${next})
    endif()
  endwhile()
  list(REMOVE_DUPLICATES others)
  list(TRANSFORM seen REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  set(${objects} ${seen} PARENT_SCOPE)
  set(${libraries} ${others} PARENT_SCOPE)
endfunction()
tg_closure(objects libraries tg_api)

add_library(trapgate_shared SHARED ${objects})
target_link_libraries(trapgate_shared PRIVATE ${libraries})
set_target_properties(trapgate_shared PROPERTIES OUTPUT_NAME trapgate VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C EXPORT_NAME trapgate
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
target_link_options(trapgate_shared PRIVATE -Wl,-z,defs)
if(TRAPGATE_SANITIZE OR TRAPGATE_TSAN OR TRAPGATE_FUZZ)
  set_property(TARGET trapgate_shared PROPERTY LINK_OPTIONS) # the sanitizers' functions come with the program
endif()
target_include_directories(trapgate_shared INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# One object file in which every name that is not the library's own is local: a program may have its own `decode`.
set(archive ${CMAKE_BINARY_DIR}/lib/libtrapgate.a)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
add_custom_command(OUTPUT ${archive}
  COMMAND ${CMAKE_LINKER} -r -o trapgate.o ${objects}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden trapgate.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} trapgate.o
  DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking C static library lib/libtrapgate.a")
add_custom_target(trapgate_archive ALL DEPENDS ${archive})
add_library(trapgate_static STATIC IMPORTED GLOBAL)
set_target_properties(trapgate_static PROPERTIES IMPORTED_LOCATION ${archive}
  INTERFACE_INCLUDE_DIRECTORIES ${CMAKE_SOURCE_DIR}/include INTERFACE_LINK_LIBRARIES "${libraries};m")
add_dependencies(trapgate_static trapgate_archive)

# The same in pkg-config's names, for those who link the static library.
set(modules)
foreach(library ${libraries})
  if(library MATCHES "^PkgConfig::(.+)$")
    string(APPEND modules " ${${CMAKE_MATCH_1}_MODULE_NAME}")
  endif()
endforeach()
string(STRIP "${modules}" modules)
set_property(GLOBAL PROPERTY TRAPGATE_MODULES "${modules}")
