# The development issuer's modules, without its sockets.
foreach(module IN ITEMS mint faults options route world)
    freshet_test(NAME test_issuer_${module} SOURCES test_issuer_${module}.c
        LIBS freshet_issuer LABELS unit)
endforeach()
