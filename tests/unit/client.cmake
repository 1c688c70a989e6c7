# The library against the development issuer. Sanitizers replace the allocator and make system calls
# of their own, so what peek touches is looked at without them.
if(NOT FRESHET_SANITIZE)
    freshet_test(NAME test_peek SOURCES test_peek.c
        LIBS freshet Threads::Threads ${CMAKE_DL_LIBS} LABELS unit)
    add_dependencies(test_peek freshet-issuer)
    target_compile_definitions(test_peek PRIVATE
        FRESHET_ISSUER="$<TARGET_FILE:freshet-issuer>")
endif()
