# The simulator: reading scenarios, its issuer and shared place, and the world run as a whole.
foreach(module IN ITEMS scenario queue share issuer summary world)
    freshet_test(NAME test_simulate_${module} SOURCES test_simulate_${module}.c
        LIBS freshet_simulate LABELS unit)
endforeach()
