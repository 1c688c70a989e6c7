# Behaviour, one test for each scenario: the library and the command with the real issuer, which fails,
# refuses, hangs or is gone. Between them a relay sees what is sent. Retries are waited for as they
# are, so starts and verdicts take a while.
foreach(behaviour IN ITEMS start start_memory sign_out verdicts changes reads reactive session_life
        session_credential session_sink)
    freshet_test(NAME test_${behaviour} SOURCES test_${behaviour}.c scene.c relay.c issuer_log.c
            ${CMAKE_SOURCE_DIR}/tests/unit/issuer_process.c
            ${CMAKE_SOURCE_DIR}/tests/unit/library_world.c
        LIBS freshet PkgConfig::jansson PkgConfig::libsodium Threads::Threads LABELS e2e)
    target_include_directories(test_${behaviour} PRIVATE "${CMAKE_SOURCE_DIR}/tests/unit")
    target_compile_definitions(test_${behaviour} PRIVATE
        FRESHET_ISSUER="$<TARGET_FILE:freshet-issuer>"
        FRESHET_COMMAND="$<TARGET_FILE:freshet_command>")
    add_dependencies(test_${behaviour} freshet-issuer freshet_command)
endforeach()
freshet_script_test(NAME e2e_watch_reactive LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/watch_reactive)
