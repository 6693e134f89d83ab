/* Whole files into memory, for recipe cases and templates: small, local, at start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "opsdeck/base/mem.h"

#include "recipe_case.h"

enum {
    FILE_MAX_BYTES = 16 << 20
};

char *read_whole_file(const char *path, size_t *len, struct err *e)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t n = 0, cap = 0;

    if (!f) {
        err_errno(e, errno, "open %s", path);
        return NULL;
    }
    do {
        cap = cap ? cap * 2 : 65536;
        text = xreallocarray(text, cap + 1, 1);
        n += fread(text + n, 1, cap - n, f);
    } while (n == cap && cap <= FILE_MAX_BYTES);
    bool bad = ferror(f) != 0;
    fclose(f);
    if (bad || n > FILE_MAX_BYTES) {
        err_set(e, bad ? ERR_IO : ERR_LIMIT, 0, bad ? "read %s failed" : "%s is larger than 16 MiB",
                path);
        free(text);
        return NULL;
    }
    text[n] = '\0';
    *len = n;
    return text;
}
