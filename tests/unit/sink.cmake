# Deliveries: the rules, the jar's format, files in a folder, and sinks of the library.
freshet_test(NAME test_delivery SOURCES test_delivery.c token_text.c LIBS freshet_source LABELS unit)
foreach(module IN ITEMS cookie_jar outlet)
    freshet_test(NAME test_${module} SOURCES test_${module}.c token_text.c
        LIBS freshet_static LABELS unit)
endforeach()
foreach(concept IN ITEMS events sink)
    freshet_library_test(test_library_${concept} library_world.c)
endforeach()
