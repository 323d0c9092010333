# Debian 12's packages. Those without a usable CMake package of their own become imported targets here.

# overwatch_find(target header library...): target `dep::<target>`.
function(overwatch_find name header)
  string(TOUPPER ${name} id)
  find_path(${id}_INCLUDE ${header} REQUIRED)
  add_library(dep_${name} INTERFACE)
  add_library(dep::${name} ALIAS dep_${name})
  target_include_directories(dep_${name} SYSTEM INTERFACE ${${id}_INCLUDE})
  foreach(library ${ARGN})
    find_library(${id}_${library} ${library} REQUIRED)
    target_link_libraries(dep_${name} INTERFACE ${${id}_${library}})
  endforeach()
endfunction()

find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CLI11 REQUIRED)
overwatch_find(caf caf/all.hpp caf_core caf_io caf_openssl)
overwatch_find(json boost/json.hpp boost_json)
overwatch_find(rocksdb rocksdb/db.h rocksdb)
overwatch_find(civetweb civetweb.h civetweb)
overwatch_find(date date/tz.h date-tz)
overwatch_find(sodium sodium.h sodium)
overwatch_find(sqlite sqlite3.h sqlite3)
target_compile_definitions(dep_date INTERFACE USE_OS_TZDB=1 ONLY_C_LOCALE=1 HAS_STRING_VIEW=1) # as Debian built it
overwatch_find(zstd zstd.h zstd)
overwatch_find(zlib zlib.h z)
# The one that was compiled as C++: its errors are exceptions, so destructors run.
overwatch_find(lua lua5.4/lua.hpp lua5.4-c++)
target_link_libraries(dep_caf INTERFACE Threads::Threads)

file(STRINGS ${CAF_INCLUDE}/caf/config.hpp caf_version REGEX "define CAF_VERSION")
if(NOT caf_version MATCHES "1706")
  message(FATAL_ERROR "CAF 0.17.6 is needed (Debian 12: libcaf-dev); found: ${caf_version}")
endif()

# The Raft library is used by one C file (runtime/replication).
overwatch_find(raft raft.h raft)
file(STRINGS ${RAFT_INCLUDE}/raft.h raft_minor REGEX "define RAFT_VERSION_MINOR +[0-9]+")
string(REGEX REPLACE ".* " "" raft_minor "${raft_minor}")
if(NOT raft_minor MATCHES "^[0-9]+$" OR raft_minor LESS 22)
  message(FATAL_ERROR "libraft-dev 0.22 or newer is needed: the 0.15 of Debian 12 loses acknowledged entries. "
                      "config/install_packages.sh installs the one of bookworm-backports")
endif()
