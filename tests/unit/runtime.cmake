# The pump's hands: time, connectivity, HTTP on loopback.
foreach(module IN ITEMS alarm connectivity locked_memory)
    freshet_test(NAME test_${module} SOURCES test_${module}.c LIBS freshet_runtime LABELS unit)
endforeach()
foreach(module IN ITEMS vigil http_stopped)
    freshet_test(NAME test_${module} SOURCES test_${module}.c stopped_child.c
        LIBS freshet_runtime LABELS unit)
endforeach()
foreach(module IN ITEMS http http_late)
    freshet_test(NAME test_${module} SOURCES test_${module}.c http_peer.c
        LIBS freshet_runtime LABELS unit)
endforeach()
target_include_directories(test_http PRIVATE ${libcurl_INCLUDE_DIRS})
