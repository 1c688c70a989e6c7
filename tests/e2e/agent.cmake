# The agent and `freshet run` as programs, driven with curl and with a tool of their own.
add_executable(agent_tool ${CMAKE_CURRENT_LIST_DIR}/agent_tool.c)
target_link_libraries(agent_tool PRIVATE freshet_warnings freshet_gnu)
set_target_properties(agent_tool PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
freshet_script_test(NAME e2e_agent LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/agent $<TARGET_FILE:freshet-agent> $<TARGET_FILE:freshet-issuer>
        $<TARGET_FILE:agent_tool> "${FRESHET_SANITIZE}")
freshet_script_test(NAME e2e_run LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/run $<TARGET_FILE:freshet-run> $<TARGET_FILE:freshet-issuer>
        $<TARGET_FILE:on_terminal>)
freshet_script_test(NAME e2e_agent_units LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/agent_units
        "${CMAKE_BINARY_DIR}/src/agent/freshet-agent.service"
        "${CMAKE_SOURCE_DIR}/packaging/systemd/freshet-agent.socket" $<TARGET_FILE:freshet_command>)

# Sanitizers have threads and memory of their own.
if(NOT FRESHET_SANITIZE)
    freshet_script_test(NAME e2e_agent_idle LABELS e2e
        COMMAND ${CMAKE_SOURCE_DIR}/bench/agent_idle $<TARGET_FILE:freshet-agent>
            $<TARGET_FILE:freshet-issuer> 3)
endif()
