/*
 * SipHash-2-4 (Aumasson and Bernstein 2012): row and body hashes under a key of the store, so
 * that nobody who writes answers can make two rows look the same.
 */
#include "store_priv.h"
#include "opsdeck/base/require.h"

static uint64_t read64(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static uint64_t rotl(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int n)
{
    while (n--) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

static void add_word(struct siphash *h, uint64_t m)
{
    h->v[3] ^= m;
    sip_rounds(h->v, 2);
    h->v[0] ^= m;
}

void siphash_init(struct siphash *h, const unsigned char key[16])
{
    require(h && key);
    uint64_t k0 = read64(key), k1 = read64(key + 8);

    *h = (struct siphash){ .v = { k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
                                  k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL } };
}

void siphash_add(struct siphash *h, const void *data, size_t n)
{
    require(h && (data || n == 0));
    const unsigned char *p = data, *end = p + n;

    /* `tail` holds the n % 8 bytes that wait for a whole word, lowest first. */
    while (p < end && h->n % 8) {
        h->tail |= (uint64_t)*p++ << (h->n++ % 8 * 8);
        if (h->n % 8 == 0) {
            add_word(h, h->tail);
            h->tail = 0;
        }
    }
    for (; end - p >= 8; p += 8, h->n += 8)
        add_word(h, read64(p));
    while (p < end)
        h->tail |= (uint64_t)*p++ << (h->n++ % 8 * 8);
}

uint64_t siphash_end(struct siphash *h)
{
    require(h);
    add_word(h, h->tail | (uint64_t)h->n << 56);
    h->v[2] ^= 0xff;
    sip_rounds(h->v, 4);
    return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}
