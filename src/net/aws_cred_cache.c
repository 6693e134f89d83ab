/*
 * The caches the AWS CLI keeps in ~/.aws, read and written in its form so that one sign-in serves
 * both: small JSON files named by a digest, mode 0600, replaced by rename. A cache that cannot be
 * written is worth a line in the log and no failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "opsdeck/base/log.h"
#include "opsdeck/base/mem.h"
#include "opsdeck/base/sbuf.h"
#include "opsdeck/base/utf8.h"
#include "opsdeck/base/require.h"
#include "opsdeck/net/aws_config.h"

#include "aws_cred_priv.h"

static void digest_hex(const EVP_MD *md, const char *s, char *out)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_Digest(s, strlen(s), raw, &n, md, NULL) != 1)
        bug("libcrypto has no SHA");
    for (unsigned i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

void cred_sha1_hex(const char *s, char out[41])
{
    digest_hex(EVP_sha1(), s, out);
}

void cred_sha256_hex(const char *s, char out[65])
{
    digest_hex(EVP_sha256(), s, out);
}

char *cred_cache_path(const struct aws_config *cfg, const char *dir, const char *hex)
{
    require(cfg && dir && hex);
    const char *home = aws_config_home(cfg);
    struct sbuf sb;

    if (!home && *dir != '/')
        return NULL;
    sbuf_init(&sb, 4096);
    if (*dir != '/')
        sbuf_addf(&sb, "%s/", home);
    sbuf_addf(&sb, "%s/%s.json", dir, hex);
    char *path = xstrdup(sb.buf);
    sbuf_release(&sb);
    return path;
}

bool cred_file_bytes(const char *path, struct sbuf *out, struct err *e)
{
    require(path && out);
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, 0, "%s does not exist", path)
                               : err_errno(e, errno, "opening %s", path);
    bool ok;
    if (fstat(fd, &st) != 0)
        ok = err_errno(e, errno, "looking at %s", path);
    else if (!S_ISREG(st.st_mode))
        ok = err_set(e, ERR_IO, 0, "%s is not a regular file", path);
    else if (!sbuf_add_fd(out, fd))
        ok = out->is_full
                 ? err_set(e, ERR_LIMIT, 0, "%s is over %d KiB", path, CRED_FILE_MAX / 1024)
                 : err_errno(e, errno, "reading %s", path);
    else
        ok = true;
    close(fd);
    return ok;
}

cJSON *cred_file_read(const char *path, struct err *e)
{
    require(path);
    struct sbuf sb;
    cJSON *json = NULL;

    sbuf_init(&sb, CRED_FILE_MAX);
    if (cred_file_bytes(path, &sb, e)) {
        json = cred_json_parse(sb.buf, sb.len);
        if (!json)
            err_set(e, ERR_PARSE, 0, "%s is not a JSON object", path);
    }
    explicit_bzero(sb.buf, sb.cap);
    sbuf_release(&sb);
    return json;
}

/* The CLI makes the same directories, for its user only. */
static void make_dirs(const char *path)
{
    char *copy = xstrdup(path);

    for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (access(copy, F_OK) != 0)
            mkdir(copy, 0700);
        *at = '/';
    }
    free(copy);
}

static bool write_text(int fd, const char *text)
{
    for (size_t at = 0, n = strlen(text); at < n;) {
        ssize_t done = write(fd, text + at, n - at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += (size_t)done;
    }
    return true;
}

void cred_file_write(const char *path, const cJSON *json)
{
    require(path && json);
    struct sbuf temp;
    char *text = cJSON_PrintUnformatted(json);

    sbuf_init(&temp, 8192);
    sbuf_addf(&temp, "%s.XXXXXX", path);
    make_dirs(path);
    int fd = mkostemp(temp.buf, O_CLOEXEC); /* 0600 from the start */
    bool ok = fd >= 0 && text && write_text(fd, text);
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        why = errno;
        ok = false;
    }
    if (ok && rename(temp.buf, path) != 0) {
        why = errno;
        ok = false;
    }
    if (!ok) {
        struct err e = { 0 };
        err_errno(&e, why, "keeping AWS credentials in %s", path);
        log_add(LOG_WARN, "net", "%s", e.text);
        if (fd >= 0)
            unlink(temp.buf);
    }
    cred_json_text_free(text);
    sbuf_release(&temp);
}

struct cred_set *cred_cli_cache_get(struct cred_job *job, const char *path)
{
    struct err e = { 0 };
    cJSON *json = path ? cred_file_read(path, &e) : NULL;
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(json, "Credentials");
    struct cred_fields f = { cred_json_text(keys, "AccessKeyId"),
                             cred_json_text(keys, "SecretAccessKey"),
                             cred_json_text(keys, "SessionToken"),
                             cred_json_text(keys, "AccountId"),
                             cred_json_text(keys, "Expiration") };
    struct cred_set *set = NULL;
    int64_t ends_ms;

    if (f.expiration && cred_time(f.expiration, &ends_ms) &&
        ends_ms - cred_now(job) >= CRED_FRESH_MS &&
        !(job->dropped_id && f.id && strcmp(f.id, job->dropped_id) == 0))
        set = cred_set_new(job, &f, &e);
    cred_json_free(json);
    return set;
}

void cred_cli_cache_put(const char *path, const struct cred_fields *f, const char *provider,
                        const cJSON *user)
{
    require(f);
    cJSON *root = cJSON_CreateObject(), *keys = cJSON_AddObjectToObject(root, "Credentials");

    if (provider)
        cJSON_AddStringToObject(root, "ProviderType", provider);
    cJSON_AddStringToObject(keys, "AccessKeyId", f->id);
    cJSON_AddStringToObject(keys, "SecretAccessKey", f->secret);
    cJSON_AddStringToObject(keys, "SessionToken", f->token);
    cJSON_AddStringToObject(keys, "Expiration", f->expiration);
    if (f->account)
        cJSON_AddStringToObject(keys, "AccountId", f->account);
    if (user)
        cJSON_AddItemToObject(root, "AssumedRoleUser", cJSON_Duplicate(user, 1));
    cred_file_write(path, root);
    cred_json_free(root);
}
