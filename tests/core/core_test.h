/* core_test.h - what the two files of core_test share. */
#ifndef CORE_TEST_H
#define CORE_TEST_H

#include "internal.h"

extern int dtype;       /* of all arrays now: TC_F32, then TC_F64 */

/* Ends the program with a message unless ok. */
void check(bool ok, const char *what);

/* Arrays of the dtype: element i as a double, n NaNs, n integers from -4 to 4, equal and without NaN. */
double get(const void *x, int64_t i);
void set(void *x, int64_t i, double value);
void *array(int64_t n);
void *random_array(int64_t n);
bool same(const void *x, const void *y, int64_t n);

/* core_test_runtime.c */
void test_memory(void);
void test_threads(void);
void test_cpus(void);
void test_callers(void);
void test_fork(void);

#endif
