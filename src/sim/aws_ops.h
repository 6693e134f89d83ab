/* The operations, one line each; the table in aws_ops.c says which request each answers. */
#ifndef OPSDECK_SIM_AWS_OPS_H
#define OPSDECK_SIM_AWS_OPS_H

struct aws_call;

/* clang-format off */
#define AWS_OPS(X) \
    X(sts_identity) X(sts_assume_role) \
    X(lambda_functions) X(lambda_function) X(lambda_mappings) X(lambda_aliases) X(lambda_tags) \
    X(cw_alarms) X(cw_history) X(cw_data) X(cw_dashboard) X(cw_dashboards) \
    X(pipe_list) X(pipe_state) X(pipe_executions) X(pipe_execution) X(pipe_actions) \
    X(build_projects) X(build_ids) X(build_get) \
    X(ssm_get) X(ssm_get_many) X(ssm_history) \
    X(dynamo_table) X(dynamo_get) X(dynamo_scan) \
    X(sns_subscriptions) X(events_rules) \
    X(logs_start) X(logs_results) X(logs_groups) X(logs_filter) X(logs_get) \
    X(ce_cost) \
    X(ecs_clusters) X(ecs_services) X(ecs_describe) X(ecs_task_sets) \
    X(waf_acls) \
    X(xray_summaries) X(xray_traces)
/* clang-format on */

#define X(name) void aws_##name(struct aws_call *c);
AWS_OPS(X)
#undef X

#endif
