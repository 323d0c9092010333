# Language level, warnings, sanitizers and the helper that declares a library of ours.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(OVERWATCH_TESTS "Build the tests" ON)
option(OVERWATCH_WERROR "Treat warnings as errors" ON)
set(OVERWATCH_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
option(OVERWATCH_COVERAGE "Build with coverage counters" OFF)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic)
if(OVERWATCH_WERROR)
  add_compile_options(-Werror)
endif()
if(OVERWATCH_SANITIZE)
  # CAF 0.17 forms references from null pointers in templates of its own headers: hence no `null`. Checks of every
  # dereference for `alignment` and `vptr` double the time to compile; what they would find, ASan mostly finds as well.
  add_compile_options(-fsanitize=${OVERWATCH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(OVERWATCH_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=null,alignment,vptr)
  endif()
  add_link_options(-fsanitize=${OVERWATCH_SANITIZE})
endif()
if(OVERWATCH_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

# A message type without a type id becomes a compile error.
add_compile_definitions(CAF_ENABLE_TYPE_ID_CHECKS OVERWATCH_VERSION="${PROJECT_VERSION}")

# overwatch_library(name SOURCES ... LINK ...): a static library `overwatch_name`, alias `overwatch::name`.
function(overwatch_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(overwatch_${name} STATIC ${arg_SOURCES})
  add_library(overwatch::${name} ALIAS overwatch_${name})
  target_include_directories(overwatch_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(overwatch_${name} PUBLIC ${arg_LINK})
endfunction()
