# Credentials that must survive: keys, sealed slots, spending, and every point at which one can die.
freshet_test(NAME test_secret SOURCES test_secret.c LIBS freshet_store LABELS unit)
foreach(module IN ITEMS store_key store_key_command store_entry spend store_crash store_disk)
    freshet_test(NAME test_${module} SOURCES test_${module}.c store_place.c
        LIBS freshet_store LABELS unit)
endforeach()
# The order of what reaches the disk, and a disk that fails.
target_link_options(test_store_disk PRIVATE -Wl,--wrap=fsync -Wl,--wrap=renameat)
# A system without descriptors of processes.
target_link_options(test_store_key_command PRIVATE -Wl,--wrap=pidfd_open)
