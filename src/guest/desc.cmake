# The guest descriptions that come with the program: src/guest/descriptions/*.desc as bytes in a C file.
file(GLOB descriptions CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/guest/descriptions/*.desc)
set(arrays "")
set(rows "")
set(index 0)
foreach(path ${descriptions})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const char text_${index}[] = {${bytes}};\n")
  get_filename_component(name ${path} NAME)
  string(REGEX REPLACE "\\.desc$" "" name "${name}")
  string(APPEND rows "\t{\"${name}\", text_${index}, sizeof(text_${index})},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/desc_shipped.c @ONLY CONTENT
  "/* Made by src/guest/desc.cmake. */\n#include \"guest/desc.h\"\n\n${arrays}
const struct desc_shipped desc_shipped[] = {\n${rows}};
const unsigned desc_shipped_count = ${index};\n")
target_sources(tg_guest PRIVATE ${CMAKE_BINARY_DIR}/generated/desc_shipped.c)
