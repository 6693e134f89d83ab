/*
 * The files of the AWS command line as sections, keys, values and maps one level deep, read the
 * way Python's configparser and botocore read them. aws_ini.c is pure: text in, tables out. The
 * end of this header is what aws_config.c tells aws_endpoint.c beyond opsdeck/net/aws_config.h.
 * Pointers are never NULL but `e`, what is freed or compared, and where a comment says so.
 */
#ifndef OPSDECK_NET_AWS_INI_H
#define OPSDECK_NET_AWS_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "opsdeck/base/require.h"
#include "opsdeck/base/err.h"

struct arena;
struct aws_config;

/* More than anybody has; they keep the search for doubles short. */
enum {
    AWS_INI_SECTIONS_MAX = 10000,
    AWS_INI_KEYS_MAX = 1000, /* in one section */
};

struct aws_ini_pair {
    const char *key, *value;
};

struct aws_ini_key {
    const char *name;  /* lower case */
    const char *value; /* lines of a continued value are joined by LF; "" with a map below it */
    struct aws_ini_pair *map; /* the indented `k = v` lines; the last of equal keys counts */
    size_t nmap, cap;
    int line;
};

struct aws_ini_section {
    const char *name; /* what stands between the brackets, blanks around it gone */
    struct aws_ini_key *keys;
    size_t nkeys, cap;
    int line;
};

/* All texts point into `text`, which may hold secrets and is wiped on release. */
struct aws_ini {
    char *text;
    size_t len;
    struct aws_ini_section *sections;
    size_t nsections, cap;
};

/*
 * Takes `text` (heap, `len` bytes and room for one more), also on failure. False: `*ini` is
 * empty, the error names the line but never quotes it, since a line may hold a secret.
 */
MUST_CHECK bool aws_ini_parse(struct aws_ini *ini, char *text, size_t len, struct err *e);
void aws_ini_release(struct aws_ini *ini); /* NULL and zeroed are fine */

const struct aws_ini_section *aws_ini_find(const struct aws_ini *ini, const char *section);
/* NULL: absent, empty, or a map. `s` may be NULL. */
const char *aws_ini_value(const struct aws_ini_section *s, const char *key);
/* The same for one key of a map. */
const char *aws_ini_mapped(const struct aws_ini_section *s, const char *key, const char *sub);
/* "profile 'my own'" of kind "profile" is "my own"; NULL: another kind, or not one word. */
const char *aws_ini_name_after(struct arena *mem, const char *section, const char *kind);

/* False with the fault of the file that could not be read or parsed. */
MUST_CHECK bool aws_config_check(const struct aws_config *c, struct err *e);
/*
 * endpoint_url of `id` ("lambda", "secrets_manager") in the services section which the profile
 * names; *url NULL: none. False: the profile names a section that is not there.
 */
MUST_CHECK bool aws_config_service_url(const struct aws_config *c, const char *profile,
                                       const char *id, const char **url, struct err *e);
/* ~, $NAME and ${NAME} expanded; what is not set stays as it is written. */
const char *aws_config_path(const struct aws_config *c, struct arena *mem, const char *raw);

#endif
