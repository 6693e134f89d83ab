/*
 * uthash with the memory of this program: without memory it ends as xmalloc() does, and not by
 * uthash's own exit(-1), which leaves the terminal as it is. Included in place of <uthash.h>.
 */
#ifndef OPSDECK_BASE_HASH_H
#define OPSDECK_BASE_HASH_H

#include "opsdeck/base/mem.h"

#define uthash_malloc(bytes) xmalloc(bytes)
#include <uthash.h>

#endif
