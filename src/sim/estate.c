/* The invented repositories and their story. See estate.h. */
#include "estate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opsdeck/base/mem.h"

enum {
    EVENT_EVERY_S = 20,
    EVENTS_MAX = 100000,
    MENDED_AFTER = 5 /* events: what breaks is mended about that much later */
};

const char *const sim_check_names[SIM_CHECKS] = {
    "administrators_require_review",
    "default_branch_main",
    "has_default_branch_protection",
    "has_description",
    "has_license",
    "has_require_approvals_enabled",
    "issues_section_enabled",
    "requires_approving_reviews",
};

enum {
    CHECK_ADMINS = 1 << 0,
    CHECK_MAIN = 1 << 1,
    CHECK_PROTECTED = 1 << 2,
    CHECK_DESCRIPTION = 1 << 3,
    CHECK_LICENCE = 1 << 4,
    CHECK_APPROVALS = 1 << 5,
    CHECK_ISSUES = 1 << 6,
    CHECK_REVIEWS = 1 << 7
};

/* How repositories fail in practice: rulesets that the checker does not see come first. */
static const unsigned FAILURES[] = {
    CHECK_ADMINS | CHECK_PROTECTED | CHECK_APPROVALS | CHECK_REVIEWS,
    CHECK_LICENCE,
    CHECK_DESCRIPTION,
    CHECK_ADMINS,
    CHECK_MAIN | CHECK_PROTECTED,
    CHECK_LICENCE | CHECK_DESCRIPTION,
    CHECK_APPROVALS | CHECK_REVIEWS,
    CHECK_ISSUES,
    CHECK_ADMINS | CHECK_APPROVALS,
    CHECK_ADMINS | CHECK_PROTECTED | CHECK_APPROVALS | CHECK_REVIEWS | CHECK_LICENCE,
};

/* Names that stand in documentation, runbooks and the demo's configuration. */
static const char *const FIXED[] = {
    ".github",
    "operations-engineering",
    "operations-engineering-reports",
    "github-community",
    "modernisation-platform",
    "modernisation-platform-environments",
    "cloud-platform",
    "cloud-platform-environments",
    "cloud-platform-infrastructure",
    "analytical-platform",
    "hmpps-auth",
    "laa-apply-for-legal-aid",
    "opg-sirius",
    "dns-iac",
    "technical-guidance",
};

/* clang-format off */
static const char *const TEAMS[] = {
    "hmpps", "laa", "opg", "cica", "yjaf", "cloud-platform", "modernisation-platform", "analytical-platform",
    "prison", "probation", "court", "staff", "tribunals", "family", "nvvs", "data-hub", "justice-gov", "dps",
};
static const char *const SUBJECTS[] = {
    "case-notes", "allocations", "adjudications", "visits-booking", "prisoner-search", "incident-reporting",
    "person-record", "court-register", "fee-calculator", "document-store", "audit", "notifications",
    "risk-assessment", "referrals", "activities", "appointments", "restricted-patients", "licences",
    "means-assessment", "lay-deputies", "correspondence", "data-catalogue", "identity", "device-register",
};
static const char *const KINDS[] = { "api", "ui", "infrastructure", "e2e-tests", "helm-charts", "lambda", "docs", "event-bridge" };
/* clang-format on */

enum {
    COMBINATIONS = (int)(ARRAY_LEN(TEAMS) * ARRAY_LEN(SUBJECTS) * ARRAY_LEN(KINDS))
};

uint64_t sim_hash(uint64_t seed, uint64_t n)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + n + 0x632be59bd9b4e019u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* A step without a common factor with the number of names visits each of them once. */
static void make_name(char *out, size_t size, size_t i)
{
    if (i < ARRAY_LEN(FIXED)) {
        snprintf(out, size, "%s", FIXED[i]);
        return;
    }
    size_t k = (i - ARRAY_LEN(FIXED)) * 1741 % COMBINATIONS;
    snprintf(out, size, "%s-%s-%s", TEAMS[k % ARRAY_LEN(TEAMS)],
             SUBJECTS[k / ARRAY_LEN(TEAMS) % ARRAY_LEN(SUBJECTS)],
             KINDS[k / ARRAY_LEN(TEAMS) / ARRAY_LEN(SUBJECTS)]);
}

static void make_repo(struct sim_repo *r, size_t i, uint64_t seed, int64_t start_ms)
{
    const int64_t day_ms = (int64_t)24 * 3600 * 1000;
    uint64_t dice = sim_hash(seed, i);

    make_name(r->name, sizeof r->name, i);
    r->passes = SIM_ALL_PASS;
    if (dice % 100 < 28)
        r->passes &= ~FAILURES[dice / 100 % ARRAY_LEN(FAILURES)];
    r->is_private = i >= ARRAY_LEN(FIXED) && dice / 10000 % 100 < 5;
    /* The standards job runs at 02:00 UTC and takes some minutes. */
    int64_t today = start_ms / day_ms * day_ms + (int64_t)2 * 3600 * 1000;
    if (today + 600 * 1000 > start_ms)
        today -= day_ms;
    r->stored_ms = today + (int64_t)(dice / 1000000 % 480) * 1000;
}

static int by_name(const void *a, const void *b)
{
    const struct sim_repo *x = a, *y = b;

    return strcmp(x->name, y->name);
}

void estate_init(struct estate *es, size_t n, uint64_t seed, int64_t start_ms)
{
    if (n > SIM_REPOS_MAX)
        n = SIM_REPOS_MAX;
    *es = (struct estate){ .seed = seed, .n = n, .start_ms = start_ms };
    es->repos = xcalloc(n, sizeof *es->repos);
    es->broken = xcalloc(EVENTS_MAX, sizeof *es->broken);
    for (size_t i = 0; i < n; i++)
        make_repo(&es->repos[i], i, seed, start_ms);
    qsort(es->repos, n, sizeof *es->repos, by_name);
}

void estate_release(struct estate *es)
{
    free(es->repos);
    free(es->broken);
    *es = (struct estate){ 0 };
}

/* The next public repository from a chosen place on that passes. */
static size_t find_passing(const struct estate *es, uint64_t dice)
{
    for (size_t k = 0; k < es->n; k++) {
        size_t i = (dice + k) % es->n;
        if (!es->repos[i].is_private && es->repos[i].passes == SIM_ALL_PASS)
            return i;
    }
    return SIZE_MAX;
}

/*
 * Each event breaks one repository; from the sixth on it also mends the one broken five events
 * before. So the number of failing ones stays, and what is new on the screen has a story.
 */
static void tell_event(struct estate *es, unsigned k)
{
    uint64_t dice = sim_hash(es->seed ^ 0x5151, k);
    int64_t at = es->start_ms + (int64_t)(k + 1) * EVENT_EVERY_S * 1000;
    size_t hit = find_passing(es, dice);

    es->broken[k] = hit;
    if (hit != SIZE_MAX) {
        es->repos[hit].passes &= ~FAILURES[dice / 4096 % ARRAY_LEN(FAILURES)];
        es->repos[hit].stored_ms = at;
    }
    size_t mended = k >= MENDED_AFTER ? es->broken[k - MENDED_AFTER] : SIZE_MAX;
    if (mended != SIZE_MAX) {
        es->repos[mended].passes = SIM_ALL_PASS;
        es->repos[mended].stored_ms = at;
    }
}

void estate_advance(struct estate *es, double story_s)
{
    double upto = story_s / EVENT_EVERY_S;

    while (es->n > 0 && es->events_told < EVENTS_MAX && (double)(es->events_told + 1) <= upto)
        tell_event(es, es->events_told++);
}

const struct sim_repo *estate_find(const struct estate *es, const char *name)
{
    struct sim_repo key;

    if (strlen(name) >= sizeof key.name)
        return NULL;
    snprintf(key.name, sizeof key.name, "%s", name);
    return bsearch(&key, es->repos, es->n, sizeof *es->repos, by_name);
}

bool sim_repo_passes(const struct sim_repo *r)
{
    return r->passes == SIM_ALL_PASS;
}

const char *sim_repo_infraction(const struct sim_repo *r)
{
    for (unsigned i = 0; i < SIM_CHECKS; i++)
        if (!(r->passes & 1u << i))
            return sim_check_names[i];
    return NULL;
}
