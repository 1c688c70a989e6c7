# The library against the development issuer.
function(freshet_library_test name)
    freshet_test(NAME ${name} SOURCES ${name}.c issuer_process.c ${ARGN}
        LIBS freshet PkgConfig::jansson Threads::Threads ${CMAKE_DL_LIBS} LABELS unit)
    add_dependencies(${name} freshet-issuer)
    target_compile_definitions(${name} PRIVATE FRESHET_ISSUER="$<TARGET_FILE:freshet-issuer>")
endfunction()

foreach(concept IN ITEMS async close fork outage threads)
    freshet_library_test(test_library_${concept} library_world.c)
endforeach()

# Sanitizers replace the allocator and make system calls of their own, so what peek touches is looked
# at without them.
if(NOT FRESHET_SANITIZE)
    freshet_library_test(test_peek)
endif()
