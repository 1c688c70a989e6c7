/* cmocka wants these before itself. */
#ifndef FRESHET_TESTS_CMOCKA_ALL_H
#define FRESHET_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
