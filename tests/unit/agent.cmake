# The agent's parts that need no socket.
foreach(module IN ITEMS backlog metrics question route)
    freshet_test(NAME test_agent_${module} SOURCES test_agent_${module}.c
        LIBS freshet_agent LABELS unit)
endforeach()
