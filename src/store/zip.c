/*
 * Compressed bytes: bodies that are kept, and gunzip() of recipes. What is unpacked may come
 * from strangers, so the caller says how large it may become.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/base/require.h"

enum {
    AUTO_HEADER = 32 + MAX_WBITS, /* gzip or zlib, as the bytes say */
    FIRST_ROOM = 16 * 1024,
    CHUNK_MAX = 1 << 30 /* zlib counts in unsigned int */
};

void *zip_pack(const void *data, size_t n, size_t *packed)
{
    require(packed && (data || n == 0));
    uLongf room = compressBound((uLong)n);
    void *out = xmalloc(room);

    if (compress2(out, &room, data, (uLong)n, Z_DEFAULT_COMPRESSION) != Z_OK)
        bug("zlib cannot compress %zu bytes", n);
    *packed = room;
    return xreallocarray(out, room, 1);
}

struct unpacked {
    char *buf;
    size_t len, cap, max;
};

/* Room for more output, one byte over the maximum so that passing it shows. */
static void make_room(struct unpacked *u)
{
    size_t limit = u->max + 1;

    if (u->len < u->cap)
        return;
    u->cap = u->cap < limit / 2 ? u->cap * 2 : limit;
    u->buf = xreallocarray(u->buf, u->cap + 1, 1);
}

/* A gzip file may be several members one after the other (RFC 1952 section 2.2). */
static bool has_next_member(const z_stream *z)
{
    return z->avail_in >= 2 && z->next_in[0] == 0x1f && z->next_in[1] == 0x8b;
}

static enum zip_result inflate_all(z_stream *z, struct unpacked *u)
{
    for (;;) {
        make_room(u);
        size_t room = u->cap - u->len;
        z->next_out = (Bytef *)u->buf + u->len;
        z->avail_out = room > CHUNK_MAX ? CHUNK_MAX : (uInt)room;
        uInt before = z->avail_out;
        int rc = inflate(z, Z_NO_FLUSH);
        u->len += before - z->avail_out;
        if (u->len > u->max)
            return ZIP_TOO_LARGE;
        if (rc == Z_STREAM_END) {
            if (!z->avail_in)
                return ZIP_OK;
            if (!has_next_member(z) || inflateReset(z) != Z_OK)
                return ZIP_BAD;
        } else if (rc != Z_OK) {
            return ZIP_BAD; /* also a cut one: Z_BUF_ERROR with room left */
        }
    }
}

enum zip_result zip_unpack(const void *data, size_t n, size_t max, char **out, size_t *nout)
{
    require(out && nout);
    require(data || n == 0);
    z_stream z = { 0 };
    struct unpacked u = { .max = max };

    *out = NULL;
    *nout = 0;
    if (!n || n > CHUNK_MAX || max >= SIZE_MAX - 2)
        return ZIP_BAD;
    u.cap = max + 1 < FIRST_ROOM ? max + 1 : FIRST_ROOM;
    u.buf = xmalloc(u.cap + 1);
    z.next_in = data;
    z.avail_in = (uInt)n;
    enum zip_result r = ZIP_BAD;
    if (inflateInit2(&z, AUTO_HEADER) == Z_OK) {
        r = inflate_all(&z, &u);
        inflateEnd(&z);
    }
    if (r != ZIP_OK) {
        free(u.buf);
        return r;
    }
    u.buf[u.len] = '\0';
    *out = u.buf;
    *nout = u.len;
    return ZIP_OK;
}
