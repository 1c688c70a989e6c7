# The pump's hands: time, connectivity, HTTP on loopback.
foreach(module IN ITEMS alarm connectivity)
    freshet_test(NAME test_${module} SOURCES test_${module}.c LIBS freshet_runtime LABELS unit)
endforeach()
