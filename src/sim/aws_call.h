/*
 * One AWS call inside the simulator: what came in, what goes out, and helpers for the
 * operations. An operation reads c->in, adds members to c->out, or calls aws_fail(); how that
 * looks on the wire (JSON, XML, headers) is decided in aws_wire.c. Under the simulator's lock.
 */
#ifndef OPSDECK_SIM_AWS_CALL_H
#define OPSDECK_SIM_AWS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "aws_auth.h"
#include "aws_estate.h"

struct sim_reply;
struct sim_request;

enum aws_protocol {
    AWS_JSON,
    AWS_REST_JSON,
    AWS_QUERY,
    AWS_REST_XML
};

struct aws_service {
    const char *name; /* that signs: the credential scope's */
    enum aws_protocol protocol;
    const char *target;      /* of X-Amz-Target, before the dot; JSON only */
    const char *space;       /* XML name space, or what stands before "#" in __type; NULL: none */
    const char *minor;       /* of application/x-amz-json-1.x */
    bool is_global;          /* signs for us-east-1 wherever one is */
    bool has_e9;             /* writes times as 1.770113700E9 */
    const char *bad_request; /* its code for a member that is wrong */
};

struct aws_call {
    struct aws_estate *es;
    struct aws_keys *keys;
    const struct aws_service *service;
    const char *op;  /* "": none that there is */
    char asked[128]; /* what the request calls it */
    struct aws_caller who;
    enum aws_account account;
    const char *region;
    int64_t now_s; /* of the machine */
    cJSON *in;     /* body, query and form as one object */
    cJSON *out;
    const char *root;  /* of an XML answer; NULL: by the operation's name */
    char args[2][256]; /* of the path, decoded */
    int status;        /* 0: fine */
    char code[80], message[512];
    char legacy[80]; /* code of the older protocol, sent beside the new one; "": none */
};

struct aws_op {
    const char *service, *name;
    const char *route;               /* "GET /a/{}" of the REST protocols; NULL else */
    void (*run)(struct aws_call *c); /* NULL: its answer is data, see answers.h */
};

extern const struct aws_service aws_services[];
extern const size_t aws_nservices;
extern const struct aws_op aws_ops[];
extern const size_t aws_nops;

void aws_fail(struct aws_call *c, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* NULL when absent or no string. Lists of the query protocol: "Names.member.1". */
const char *aws_in(const struct aws_call *c, const char *name);
/* As aws_in(), and fails the call when it is absent. */
const char *aws_need(struct aws_call *c, const char *name);
int64_t aws_in_int(const struct aws_call *c, const char *name, int64_t fallback);
/* No such list: true. Else whether `value` is in it. */
bool aws_in_list(const cJSON *list, const char *value);
/* A prefix of NULL is one of everything. */
bool aws_has_prefix(const char *s, const char *prefix);

/* Add members; `o` may be an array (the name is then not used). */
void aws_put(cJSON *o, const char *name, const char *value);
void aws_putf(cJSON *o, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void aws_put_int(cJSON *o, const char *name, int64_t value);
void aws_put_bool(cJSON *o, const char *name, bool value);
cJSON *aws_put_object(cJSON *o, const char *name);
cJSON *aws_put_array(cJSON *o, const char *name);
/* A moment of the story's calendar, in the form the protocol has for it. */
void aws_put_time(const struct aws_call *c, cJSON *o, const char *name, int64_t story_s);
/* The same as milliseconds, and as text in a buffer of 48. */
int64_t aws_time_ms(const struct aws_call *c, int64_t story_s);
const char *aws_time_text(const struct aws_call *c, int64_t story_s, char out[48]);
/* Now, in the story's calendar. */
int64_t aws_story_now(const struct aws_call *c);

/* How an operation pages. */
struct aws_paging {
    const char *token_in, *max, *token_out;
    int64_t fallback, cap; /* items when `max` is absent, and at most */
    const char *bad_token; /* code */
};
/* Put the asked page of `all` (taken) as `name`, and the token of the next one. */
void aws_put_page(struct aws_call *c, const char *name, cJSON *all, const struct aws_paging *p);

/* arn:aws:<service>:<region>:<account>:<rest> */
void aws_arn(const struct aws_call *c, char *out, size_t size, const char *service, const char *fmt,
             ...) __attribute__((format(printf, 5, 6)));

/* The answer of a finished call. */
void aws_wire_answer(const struct aws_call *c, uint64_t serial, struct sim_reply *out);
/* Body, form and query into c->in; a body that is none fails the call. */
void aws_wire_read(struct aws_call *c, const struct sim_request *rq);
/* %XX (and "+" when is_form) undone; false when it does not fit. */
bool aws_unescape(const char *s, size_t n, bool is_form, char *out, size_t size);

#endif
