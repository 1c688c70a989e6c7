# What is installed can be used: by pkg-config, by find_package, by C and by C++.
if(NOT FRESHET_SANITIZE)
    freshet_script_test(NAME install_examples LABELS e2e
        COMMAND ${CMAKE_CURRENT_LIST_DIR}/install_examples ${CMAKE_BINARY_DIR})
endif()
freshet_script_test(NAME public_headers LABELS e2e
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/public_headers ${CMAKE_BINARY_DIR}/include)
