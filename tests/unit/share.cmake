# One user's processes as one: locks, and what lies in the shared place.
freshet_test(NAME test_lock SOURCES test_lock.c LIBS freshet_lock LABELS unit)
freshet_test(NAME test_share_record SOURCES test_share_record.c LIBS freshet_share LABELS unit)
freshet_test(NAME test_share_merge SOURCES test_share_merge.c LIBS freshet_share LABELS unit)
foreach(module IN ITEMS place share_draft share_fault share_lease share_publish share_session
    share_vandal share_watch)
    freshet_test(NAME test_${module} SOURCES test_${module}.c share_world.c
        LIBS freshet_share LABELS unit)
endforeach()
