# The pump's hands: time, connectivity, HTTP on loopback.
foreach(module IN ITEMS alarm connectivity)
    freshet_test(NAME test_${module} SOURCES test_${module}.c LIBS freshet_runtime LABELS unit)
endforeach()
freshet_test(NAME test_http SOURCES test_http.c http_peer.c LIBS freshet_runtime LABELS unit)
target_include_directories(test_http PRIVATE ${libcurl_INCLUDE_DIRS})
