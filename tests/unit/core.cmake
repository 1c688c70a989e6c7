# The small modules of the engine; the engine itself is told in tests/stories.
foreach(module IN ITEMS policy clock token key map wheel cell trace)
    freshet_test(NAME test_${module} SOURCES test_${module}.c
        LIBS freshet_core Threads::Threads LABELS unit)
endforeach()

# The acceptance vectors, row by row, round an engine in virtual time: names of tests begin with the
# row they hold (tc_8_, rt_3_, d18_).
foreach(vectors IN ITEMS engine_session schedule state_table vectors_cycles vectors_defects vectors_zones)
    freshet_test(NAME test_${vectors} SOURCES test_${vectors}.c engine_drive.c engine_drive_log.c
        LIBS freshet_core Threads::Threads LABELS unit)
endforeach()
foreach(vectors IN ITEMS vectors_cache vectors_freshness)
    freshet_test(NAME test_${vectors}
        SOURCES test_${vectors}.c engine_drive.c engine_drive_log.c token_text.c
        LIBS freshet_source Threads::Threads LABELS unit)
endforeach()
