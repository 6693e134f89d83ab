/*
 * Written belief: a precondition that a function's header states, checked in the release build
 * too. It is for what only a mistake of our own can break; whatever the outside can cause
 * (network, disk, memory, a person) is an error by `struct err`, never this.
 * A broken one ends in bug(), so the terminal is given back first. Any thread.
 */
#ifndef OPSDECK_BASE_REQUIRE_H
#define OPSDECK_BASE_REQUIRE_H

#include "opsdeck/base/mem.h"

/* The text names the function: a test that trips one looks for it. */
#define require(cond)                                                                              \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            bug("%s() requires %s (%s:%d)", __func__, #cond, __FILE__, __LINE__);                  \
    } while (0)

/* For functions whose false is an error that the caller must not drop. */
#define MUST_CHECK __attribute__((warn_unused_result))

#endif
