# The library and the command against an issuer that fails, refuses, hangs or is gone: how a session
# starts then, and what verdicts come to. They wait for retries as they are, so they take a while.
foreach(concept IN ITEMS start verdicts)
    freshet_test(NAME test_${concept} SOURCES test_${concept}.c stage.c issuer_log.c
            ${CMAKE_SOURCE_DIR}/tests/unit/library_world.c
            ${CMAKE_SOURCE_DIR}/tests/unit/issuer_process.c
        LIBS freshet PkgConfig::libcurl PkgConfig::jansson Threads::Threads LABELS e2e)
    target_include_directories(test_${concept} PRIVATE "${CMAKE_SOURCE_DIR}/tests/unit")
    target_compile_definitions(test_${concept} PRIVATE
        FRESHET_ISSUER="$<TARGET_FILE:freshet-issuer>"
        FRESHET_COMMAND="$<TARGET_FILE:freshet_command>")
    add_dependencies(test_${concept} freshet-issuer freshet_command)
    set_tests_properties(test_${concept} PROPERTIES TIMEOUT 300)
endforeach()
