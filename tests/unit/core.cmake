# The small modules of the engine; the engine itself is told in tests/stories.
foreach(module IN ITEMS policy clock token key wheel cell trace)
    freshet_test(NAME test_${module} SOURCES test_${module}.c
        LIBS freshet_core Threads::Threads LABELS unit)
endforeach()
