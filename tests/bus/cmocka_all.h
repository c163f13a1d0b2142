/* CMocka wants these before it. */
#ifndef TESTS_BUS_CMOCKA_ALL_H
#define TESTS_BUS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
