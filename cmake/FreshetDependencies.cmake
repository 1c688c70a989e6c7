# The libraries Freshet stands on, found through pkg-config: PkgConfig::libuv and so on.
# scripts/deps installs them on Debian; docs and tools are optional.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

foreach(name IN ITEMS libuv libcurl jansson libsodium libmicrohttpd libconfuse libcrypto)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${name})
endforeach()

if(BUILD_TESTING)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
endif()
