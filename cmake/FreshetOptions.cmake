# How the code is compiled: warnings, sanitizers, self-checks, hardening.
#
# Targets link to the interface targets they need:
#   freshet_warnings  every target: the warnings, as errors
#   freshet_gnu       every target but freshet_core and freshet_source: _GNU_SOURCE
#   freshet_posix     those two: nothing beyond C11 but POSIX string functions

option(FRESHET_WERROR "Treat warnings as errors" ON)
option(FRESHET_CHECKS "Compile the engine's self-checks in (defines FRESHET_CHECKS=1)" OFF)
set(FRESHET_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

add_library(freshet_warnings INTERFACE)
target_compile_options(freshet_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wvla -Wswitch-enum -Wundef -Wcast-align -Wpointer-arith
    $<$<BOOL:${FRESHET_WERROR}>:-Werror>)

add_library(freshet_gnu INTERFACE)
target_compile_definitions(freshet_gnu INTERFACE _GNU_SOURCE)

add_library(freshet_posix INTERFACE)
target_compile_definitions(freshet_posix INTERFACE _POSIX_C_SOURCE=200809L)

# From here on: settings of the build as a whole, which every object must share.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g -DNDEBUG")
add_compile_options(-fno-semantic-interposition)

if(FRESHET_CHECKS)
    add_compile_definitions(FRESHET_CHECKS=1)
endif()

if(FRESHET_SANITIZE)
    add_compile_options(-fsanitize=${FRESHET_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer -O1)
    add_link_options(-fsanitize=${FRESHET_SANITIZE})
else()
    add_compile_options(-fstack-protector-strong -fstack-clash-protection)
    add_compile_options($<$<CONFIG:RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()

option(FRESHET_ANALYZE "Run clang-tidy on every file that is compiled" OFF)
if(FRESHET_ANALYZE)
    find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
    set(CMAKE_C_CLANG_TIDY "${CLANG_TIDY};--warnings-as-errors=*;--quiet")
endif()
