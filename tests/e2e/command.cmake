freshet_script_test(NAME e2e_command LABELS e2e COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/command)
