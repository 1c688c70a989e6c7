# The command, and a terminal for it to draw on.
add_executable(on_terminal ${CMAKE_CURRENT_LIST_DIR}/on_terminal.c)
set_target_properties(on_terminal PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
target_link_libraries(on_terminal PRIVATE freshet_warnings freshet_gnu util)
freshet_script_test(NAME e2e_command LABELS e2e COMMAND ${CMAKE_CURRENT_LIST_DIR}/command)
freshet_script_test(NAME e2e_command_live LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/command_live $<TARGET_FILE:on_terminal>)
freshet_script_test(NAME e2e_command_offline LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/command_offline)
freshet_script_test(NAME e2e_cookie_jar LABELS e2e COMMAND ${CMAKE_CURRENT_LIST_DIR}/cookie_jar)
