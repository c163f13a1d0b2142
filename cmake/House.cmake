# tg_house(name DIRS...): the static library tg_<name> of src/<name>, which may
# include the headers of the DIRS given and of nothing else: each directory's
# headers are reached through a link below the build directory, one for each
# allowed directory, so a wrong #include does not compile.
function(tg_house name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
  set(view ${CMAKE_BINARY_DIR}/house/${name})
  file(MAKE_DIRECTORY ${view})
  foreach(dir ${name} ${ARGN})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${dir} ${view}/${dir} SYMBOLIC)
  endforeach()
  if(sources)
    add_library(tg_${name} STATIC ${sources})
    target_include_directories(tg_${name} PRIVATE ${view})
    foreach(dir ${ARGN})
      if(TARGET tg_${dir})
        target_link_libraries(tg_${name} PUBLIC tg_${dir})
      endif()
    endforeach()
  endif()
endfunction()
