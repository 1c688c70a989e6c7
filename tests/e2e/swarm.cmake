# Many processes of one user, as one. FRESHET_FULL=1 in the environment runs them for minutes.
add_executable(swarm_member ${CMAKE_CURRENT_LIST_DIR}/swarm_member.c)
target_link_libraries(swarm_member PRIVATE freshet_warnings freshet_gnu freshet PkgConfig::jansson
    PkgConfig::libsodium Threads::Threads)
set_target_properties(swarm_member PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")

foreach(swarm_test IN ITEMS swarm swarm_killed swarm_places swarm_stopped)
    freshet_test(NAME test_${swarm_test} SOURCES test_${swarm_test}.c herd.c herd_judge.c
            issuer_log.c ${CMAKE_SOURCE_DIR}/tests/unit/issuer_process.c
        LIBS PkgConfig::jansson LABELS e2e)
    target_include_directories(test_${swarm_test} PRIVATE "${CMAKE_SOURCE_DIR}/tests/unit")
    target_compile_definitions(test_${swarm_test} PRIVATE
        FRESHET_ISSUER="$<TARGET_FILE:freshet-issuer>"
        FRESHET_SWARM_MEMBER="$<TARGET_FILE:swarm_member>")
    add_dependencies(test_${swarm_test} freshet-issuer swarm_member)
    set_tests_properties(test_${swarm_test} PROPERTIES TIMEOUT 900)
endforeach()
