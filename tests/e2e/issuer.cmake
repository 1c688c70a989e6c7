# The issuer as a program, driven over real sockets.
freshet_test(NAME test_issuer SOURCES test_issuer.c
    LIBS PkgConfig::libcurl PkgConfig::jansson PkgConfig::libsodium LABELS e2e)
target_compile_definitions(test_issuer PRIVATE ISSUER_PROGRAM="$<TARGET_FILE:freshet-issuer>")
add_dependencies(test_issuer freshet-issuer)
