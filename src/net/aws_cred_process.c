/*
 * credential_process: a command that prints one JSON object. It is split into words as a shell
 * would, but no shell sees it; token_run.c runs it apart, with a time limit. Nothing it prints is
 * ever shown, also not what it writes to stderr: either may hold the keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"
#include "opsdeck/net/aws_config.h"

#include "aws_cred_priv.h"
#include "token_priv.h"

enum {
    WORDS_MAX = 128
};

/* One word from *at on, unquoted in place into `out`; false when a quote is not closed. */
static bool take_word(const char **at, char *out)
{
    const char *s = *at;
    char quote = '\0';

    for (; *s && (quote || !strchr(" \t\r\n", *s)); s++) {
        if (quote ? *s == quote : *s == '\'' || *s == '"') {
            quote = quote ? '\0' : *s;
        } else if (*s == '\\' && quote != '\'') {
            if (!s[1])
                return false;
            if (quote && s[1] != '"' && s[1] != '\\') /* stays a backslash between "" */
                *out++ = '\\';
            *out++ = *++s;
        } else {
            *out++ = *s;
        }
    }
    *out = '\0';
    *at = s;
    return !quote;
}

static bool split(struct arena *mem, const char *command, char **argv, struct err *e)
{
    size_t n = 0;
    const char *at = command;

    for (;;) {
        at += strspn(at, " \t\r\n");
        if (!*at)
            break;
        if (n == WORDS_MAX)
            return err_set(e, ERR_CONFIG, 0, "the command has over %d words", WORDS_MAX);
        argv[n] = arena_alloc(mem, strlen(at) + 1);
        if (!take_word(&at, argv[n++]))
            return err_set(e, ERR_CONFIG, 0, "the command ends inside quotes or after a backslash");
    }
    return n > 0 || err_set(e, ERR_CONFIG, 0, "the command is empty");
}

/* Without what the command said: the text ends at its exit status or signal. */
static void hide_output(struct err *e)
{
    static const char *const ends[] = { "exit status ", "by signal " };

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char *at = strstr(e->text, ends[i]);
        if (!at)
            continue;
        at += strlen(ends[i]);
        at[strspn(at, "0123456789")] = '\0';
        return;
    }
}

static struct cred_set *read_output(struct cred_job *job, const char *out, size_t len,
                                    struct err *e)
{
    cJSON *json = cred_json_parse(out, len);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "Version");
    struct cred_fields f = { cred_json_text(json, "AccessKeyId"),
                             cred_json_text(json, "SecretAccessKey"),
                             cred_json_text(json, "SessionToken"),
                             cred_json_text(json, "AccountId"),
                             cred_json_text(json, "Expiration") };
    struct cred_set *set = NULL;

    if (!json)
        err_set(e, ERR_PARSE, 0, "the command ended well but did not print one JSON object");
    else if (!cJSON_IsNumber(version) || version->valuedouble != 1.0)
        err_set(e, ERR_PARSE, 0, "the command's answer has no \"Version\": 1");
    else
        set = cred_set_new(job, &f, e);
    cred_json_free(json);
    return set;
}

static void on_run(void *ctx, const char *out, size_t len, const struct err *fault)
{
    struct cred_job *job = ctx;
    struct err e = *fault;
    struct cred_set *set = NULL;

    job->run = NULL;
    if (e.code == ERR_NONE)
        set = read_output(job, out, len, &e);
    else
        hide_output(&e);
    if (set) {
        cred_job_done(job, set);
        return;
    }
    struct err told = e;
    err_set(&told, e.code, e.detail, "%.350s; run it by hand to see what it says", e.text);
    cred_job_fail(job, &told);
}

void cred_process_start(struct cred_job *job)
{
    char **argv = arena_array(job->mem, WORDS_MAX + 1, sizeof *argv);
    struct err e = { 0 };

    if (split(job->mem, aws_config_get(job->o.config, job->profile, "credential_process"), argv,
              &e))
        job->run = token_run_start(job->o.loop, argv, TOKEN_RUN_S, on_run, job, &e);
    if (!job->run)
        cred_job_fail(job, &e);
}
