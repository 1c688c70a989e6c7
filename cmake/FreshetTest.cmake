# Two ways to add a test. Each one runs in places of its own: tests/in_own_places. Both end up in ctest, and so in `make test` and `.ci/run`.
#
#   freshet_test(NAME test_entry SOURCES test_entry.c LIBS freshet_core [LABELS unit])
#       one cmocka program; SOURCES are relative to the calling file
#
#   freshet_script_test(NAME lint_style COMMAND script [argument...] [LABELS lint])
#       any command; exit status 77 means skipped

set(freshet_in_own_places "${CMAKE_SOURCE_DIR}/tests/in_own_places")
set(freshet_test_timeout_s 120)
set(freshet_test_environment
    "ASAN_OPTIONS=handle_segv=2:detect_leaks=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")

function(freshet_test)
    cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME" "SOURCES;LIBS;LABELS")
    if(NOT test_NAME OR NOT test_SOURCES OR test_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "freshet_test: NAME and SOURCES are needed; not understood: "
            "'${test_UNPARSED_ARGUMENTS}'")
    endif()

    list(TRANSFORM test_SOURCES PREPEND "${CMAKE_CURRENT_LIST_DIR}/" REGEX "^[^/]")
    add_executable(${test_NAME} ${test_SOURCES})
    set_target_properties(${test_NAME} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    target_link_libraries(${test_NAME} PRIVATE
        freshet_warnings freshet_gnu ${test_LIBS} PkgConfig::cmocka)

    # cmocka calls a filter that matches nothing a success.
    add_test(NAME ${test_NAME} COMMAND "${freshet_in_own_places}" $<TARGET_FILE:${test_NAME}>)
    set_tests_properties(${test_NAME} PROPERTIES
        FAIL_REGULAR_EXPRESSION "Running 0 test"
        ENVIRONMENT "${freshet_test_environment}"
        LABELS "${test_LABELS}"
        TIMEOUT ${freshet_test_timeout_s})
endfunction()

function(freshet_script_test)
    cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME" "COMMAND;LABELS")
    if(NOT test_NAME OR NOT test_COMMAND OR test_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "freshet_script_test: NAME and COMMAND are needed; not understood: "
            "'${test_UNPARSED_ARGUMENTS}'")
    endif()

    add_test(NAME ${test_NAME} COMMAND "${freshet_in_own_places}" ${test_COMMAND}
        COMMAND_EXPAND_LISTS
        WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${test_NAME} PROPERTIES
        ENVIRONMENT "${freshet_test_environment};FRESHET_BIN=${CMAKE_BINARY_DIR}/bin"
        LABELS "${test_LABELS}"
        SKIP_RETURN_CODE 77
        TIMEOUT ${freshet_test_timeout_s})
endfunction()
