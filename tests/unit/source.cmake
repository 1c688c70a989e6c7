# Asking an issuer: keys, requests, answers, tokens, dates; no network.
foreach(module IN ITEMS clerk_instance clerk_request clerk_answer clerk_headers jwt http_date)
    freshet_test(NAME test_${module} SOURCES test_${module}.c token_text.c
        LIBS freshet_source LABELS unit)
endforeach()
