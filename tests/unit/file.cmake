# Small files, and system calls that stop half-way.
freshet_test(NAME test_file SOURCES test_file.c LIBS freshet_file LABELS unit)
foreach(call IN ITEMS read write fsync close renameat)
    target_link_options(test_file PRIVATE -Wl,--wrap=${call})
endforeach()
