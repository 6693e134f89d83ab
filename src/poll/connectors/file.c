/* connector file: a step reads the source's `path:`, which may be a glob; each file is a body. */
#include "opsdeck/poll/connector.h"
#include "opsdeck/poll/plan.h"

static bool file_check(const struct plan_source *src, struct err *e)
{
    if (!src->cfg->path)
        return err_set(e, ERR_CONFIG, 0,
                       "recipe %s reads files: this source needs path: FILE or GLOB",
                       src->recipe->name);
    return true;
}

static bool file_prepare(struct arena *mem, const struct plan_source *src,
                         const struct step_def *step, const struct request_item *item,
                         struct request_plan *out, struct err *e)
{
    (void)mem;
    (void)step;
    (void)item;
    (void)e;
    out->transport = TRANSPORT_FILE;
    out->pattern = src->cfg->path;
    return true;
}

static void file_judge(const struct plan_source *src, const struct step_def *step,
                       const struct http_response *r, int64_t now_ms, struct verdict *out)
{
    (void)src;
    (void)step;
    (void)r;
    (void)now_ms;
    *out = (struct verdict){ .kind = VERDICT_ROWS };
}

const struct connector_ops connector_file = {
    .name = "file",
    .min_interval_s = 5,
    .check = file_check,
    .prepare = file_prepare,
    .judge = file_judge,
};
