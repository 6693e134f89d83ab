#!/bin/sh
# Changes one rule of the blue/green judgement at a time and expects its unit tests to notice.
# Prints every change that they let through and the figure; exit 1 when there is one. Works in a
# temporary folder; nothing in the tree is touched. Run from the top of the tree; takes less than a minute.
set -eu

CC=${CC:-gcc}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT INT TERM
FLAGS="-std=c11 -D_GNU_SOURCE -Iinclude -Isrc/model -Itests/unit/model -w -O0"
TESTS="test_bluegreen test_bluegreen_state test_bluegreen_clock test_bluegreen_roles
test_bluegreen_checks test_bluegreen_checks_env test_bluegreen_steps test_bluegreen_stale
test_bluegreen_previous test_bluegreen_bars"
PARTS="bluegreen bluegreen_names bluegreen_envs bluegreen_state bluegreen_roles bluegreen_evidence
bluegreen_checks bluegreen_checks_env bluegreen_command bluegreen_steps"

# file of src/model without .c, a blank, and a sed expression that changes one rule
mutations() {
    cat <<'EOF'
bluegreen_state /{ is_not_known, .*S1 /d
bluegreen_state /{ is_absent, .*S2 /d
bluegreen_state /{ is_conflict, .*S3 /d
bluegreen_state /{ is_conflict,/s/STATUS_CRIT/STATUS_WARN/
bluegreen_state /{ is_conflict,/s/STATUS_WARN/STATUS_CRIT/
bluegreen_state /{ is_orphan, .*S4 /d
bluegreen_state /{ is_disabled, .*S5 /d
bluegreen_state /{ is_disabled,/s/CRIT,    0/WARN,    0/
bluegreen_state /{ is_linking, .*S6 /d
bluegreen_state /{ is_linking,/s/600/601/
bluegreen_state /{ is_disabling, .*S7 /d
bluegreen_state /{ is_disabling,/s/300/301/
bluegreen_state /{ is_deleting, .*S8 /d
bluegreen_state /{ is_deleting,/s/300/299/
bluegreen_state /{ is_switching, .*S9 /d
bluegreen_state /{ is_switching,/s/1200/1201/
bluegreen_state /{ is_switching,/s/600/599/
bluegreen_state /{ has_no_environment, .*S10 /d
bluegreen_state /{ is_none, .*S11 /d
bluegreen_state /{ is_none,/s/STATUS_CRIT/STATUS_WARN/
bluegreen_state /{ is_none,/s/STATUS_WARN/STATUS_CRIT/
bluegreen_state /{ is_partial, .*S12 /d
bluegreen_state /{ is_degraded, .*S13 /d
bluegreen_state /{ is_drift, .*S14 /d
bluegreen_state /{ is_linked, .*S15 /d
bluegreen_state s/c->ntargets >= 2/c->ntargets >= 3/
bluegreen_state s/is_state(c, "Creating") || //
bluegreen_state s/ || is_state(c, "Updating")//
bluegreen_state s/!c->nm \&\& (c->lock || c->build)/!c->nm \&\& c->lock/
bluegreen_state s/!c->nm \&\& (c->lock || c->build)/!c->nm \&\& c->build/
bluegreen_state s/b->present < b->expected/b->present + 1 < b->expected/
bluegreen_state s/"deploy-shared-resources-environment-stage", true/"deploy-shared-resources-environment-stage", false/
bluegreen_state s/{ "deploy-stage", false/{ "deploy-stage", true/
bluegreen_state s/c->ended->end_ms >= c->lock/c->ended->end_ms < c->lock/
bluegreen_state s/    if (bg_has_locks(c->f))/    if (true)/
bluegreen_state s/!bg_is_fresh(f, BG_ALARMS) || //
bluegreen_state s/!bg_same(m->state, "Disabled") \&\&/true \&\&/
bluegreen_roles s/e->nfunctions < BG_FUNCTIONS_EACH/e->nfunctions < BG_FUNCTIONS_EACH - 1/
bluegreen_roles s/e->nqueues < BG_QUEUES_EACH/e->nqueues < BG_QUEUES_EACH - 1/
bluegreen_roles s/"Disabled", BG_BLUE/"Disabled", BG_ROLE_UNLINKING/
bluegreen_roles s/"Updating", BG_ROLE_LINKING/"Updating", BG_BLUE/
bluegreen_roles s/e->created_ms > reference ? BG_GREEN : BG_LEAKED/e->created_ms > reference ? BG_LEAKED : BG_GREEN/
bluegreen_roles s/!bg_is_fresh(c->f, BG_DASHBOARD) || !bg_is_fresh(c->f, BG_QUEUES)/!bg_is_fresh(c->f, BG_QUEUES)/
bluegreen_roles s/> BG_STUCK_LOCK_S \* 1000/>= BG_STUCK_LOCK_S * 1000/
bluegreen_roles s/flags |= BG_MIXED_VERSION/flags |= 0/
bluegreen_roles s/flags |= BG_FOREIGN_PAIR/flags |= 0/
bluegreen_roles s/flags |= BG_ROLLED_BACK/flags |= 0/
bluegreen_roles s/if (!c->f->keeps_previous)/if (false)/
bluegreen_roles s/if (bg_same(linked, previous))/if (false)/
bluegreen_roles s/b->end_ms > e->created_ms/true/
bluegreen_envs s/fn->state, "Inactive"/fn->state, "Idle"/
bluegreen_envs s/fn->last_update, "Failed"/fn->last_update, "Gone"/
bluegreen_envs s/e->waiting += q->visible + q->in_flight/e->waiting += q->visible/
bluegreen_evidence s/ALARMS_LINK = 24/ALARMS_LINK = 23/
bluegreen_evidence s/ALARMS_LINK_TASK = 10/ALARMS_LINK_TASK = 9/
bluegreen_evidence s/ALARMS_WAF = 8/ALARMS_WAF = 7/
bluegreen_evidence s/ALARMS_SHARED = 5/ALARMS_SHARED = 6/
bluegreen_checks /{ "C1",/s/ | F(BG_TABLE)//
bluegreen_checks /{ "C2",/s/F(BG_MAPPINGS)/0/
bluegreen_checks /{ "C3",/s/F(BG_FUNCTIONS) | //
bluegreen_checks /{ "C4",/s/F(BG_QUEUES)/0/
bluegreen_checks /{ "C6",/s/F(BG_LOCKS)/0/
bluegreen_checks /{ "C7",/s/F(BG_SUBSCRIPTIONS)/0/
bluegreen_checks /{ "C8",/s/F(BG_PIPELINES) | //
bluegreen_checks /{ "C8",/s/ | F(BG_BUILDS)//
bluegreen_checks /{ "C9",/s/ | F(BG_METRICS)//
bluegreen_checks /{ "C11",/s/F(BG_DASHBOARD) | //
bluegreen_checks /{ "C13",/s/F(BG_FUNCTIONS) | //
bluegreen_checks /{ "C15",/s/F(BG_DASHBOARD)/0/
bluegreen_checks /{ "C16",/s/F(BG_SECRETS)/0/
bluegreen_checks /{ "C17",/s/ | F(BG_STAGE)//
bluegreen_checks s/!x->waiting_stage || /true || /
bluegreen_checks s/s->changed_ms > c->f->stage/s->changed_ms >= c->f->stage/
bluegreen_checks s/q->visible + q->in_flight > 0/q->visible > 0/
bluegreen_checks_env s/bg_same(fn->state, "Active")/fn->state/
bluegreen_checks_env s/e->waiting > 0/e->waiting > 1/
bluegreen_checks_env s/r2 < 2/r2 < 1/
bluegreen_checks_env s/s == BG_NONE_LINKED || s == BG_SHARED_ONLY/s == BG_NONE_LINKED || s == BG_SWITCHING/
bluegreen_checks_env s/c->f->has_other_locks ? /false ? /
bluegreen_checks_env s/    else if (is_drift)/    else if (false)/
bluegreen_names s/strspn(bg, "0123456789abcdef") != 7/strspn(bg, "0123456789abcdef") < 6/
bluegreen_names s/abcdefghijklmnopqrstuvwxyz0123456789._=-/abcdefghijklmnopqrstuvwxyz0123456789._=-;/
bluegreen_names s/!bg_same(bg + 8, profile)/false/
bluegreen_command s/!bg_is_safe(value)/false/
bluegreen_steps s/"C2 C3 C4 C6 C8 C9 C12"/"C2 C3 C6 C8 C9 C12"/
bluegreen_steps s/"C2 C3 C4 C6 C8 C9 C12"/"C3 C4 C6 C8 C9 C12"/
bluegreen_steps s/"C2 C3 C4 C6 C8 C9 C12"/"C2 C3 C4 C8 C9 C12"/
bluegreen_steps s/"C2 C4 C6 C8 C10 C12"/"C2 C4 C6 C8 C12"/
bluegreen_steps s/"C2 C4 C6 C8 C10 C12"/"C2 C6 C8 C10 C12"/
bluegreen_steps s/"C2 C3 C6 C7 C8 C9 C11 C12"/"C2 C3 C6 C7 C8 C9 C12"/
bluegreen_steps s/"C1 C2 C5 C6 C8 C12 C15 C16"/"C2 C5 C6 C8 C12 C15 C16"/
bluegreen_steps s/"C1 C2 C5 C6 C8 C12 C15 C16"/"C1 C5 C6 C8 C12 C15 C16"/
bluegreen_steps s/"C1 C2 C5 C6 C8 C12 C15 C16"/"C1 C2 C5 C6 C8 C12 C16"/
bluegreen_steps s/"C1 C2 C5 C6 C8 C12 C15 C16"/"C1 C2 C5 C6 C12 C15 C16"/
bluegreen_steps s/"C2 C4 C6 C8 C10 C12"/"C2 C4 C6 C10 C12"/
bluegreen_steps s/s == BG_SWITCHING ||/s == BG_LINKED ||/
bluegreen_steps s/|| s == BG_LINKING ||/||/
bluegreen_steps s/state == BG_STATE_UNKNOWN/state == BG_STATES/
bluegreen_steps s/"C2 C6 C12 C13 C14"/"C2 C6 C12 C14"/
bluegreen_steps s/"C2 C6 C12 C13 C14"/"C2 C6 C12 C13"/
bluegreen_steps s/.optional = "C5 C16"/.advisory = "C5 C16"/
bluegreen_steps s/.advisory = "C9 C17"/.advisory = "C9"/
bluegreen_steps s/if (role == BG_PREVIOUS)/if (false)/
bluegreen_steps s/k->result != BG_CHECK_PASS/k->result == BG_CHECK_FAIL/
bluegreen_steps s/if (s->flags \& BG_FOREIGN_PAIR)/if (false)/
bluegreen_steps s/return c->out->is_previous_known/return true/
bluegreen_steps s/bg_same(a->target, bg_dashboard_previous(c)) || bg_same(a->target, c->out->previous)/bg_same(a->target, bg_dashboard_previous(c))/
bluegreen_steps s/bg_same(a->target, bg_dashboard_previous(c)) || bg_same(a->target, c->out->previous)/bg_same(a->target, c->out->previous)/
bluegreen_steps s/is_same \&\& f->dashboard_previous  /is_same/
bluegreen_steps s/if (s \&\& s->role == BG_PREVIOUS)/if (false)/
bluegreen_steps s/if (!a->version \&\& bg_is_fresh(c->f, BG_PIPELINES))/if (false)/
bluegreen_steps s/|| bg_same(e->version, a->version)/|| true/
bluegreen_steps s/|| bg_same(e->version, a->version)/|| !e->version || bg_same(e->version, a->version)/
bluegreen_steps s/|| bg_same(e->version, a->version)//
bluegreen_steps s/newest \&\& f->parameter_modified_ms > 0/newest/
bluegreen_steps s/f->parameter_modified_ms < newest->start_ms/true/
bluegreen_steps s/f->parameter_modified_ms < newest->start_ms/f->parameter_modified_ms <= newest->start_ms/
bluegreen_steps s/f->executions\[i\].start_ms > newest->start_ms/f->executions[i].start_ms < newest->start_ms/
bluegreen_steps s/if (!bg_is_linked_state(c->out->state))/if (false)/
bluegreen_steps s/f->has_dashboard \&\& bg_same(f->dashboard_current, a->target)/bg_same(f->dashboard_current, a->target)/
bluegreen_steps s/f->has_dashboard \&\& bg_same(f->dashboard_current, a->target)/f->has_dashboard/
bluegreen_steps s/|| (own \&\& own->pair == BG_PAIR_NO)//
bluegreen_steps s/fn->shared_env \&\& !bg_same(fn->shared_env, c->f->shared_env)/false/
bluegreen_steps s/return own \&\& own->pair == BG_PAIR_YES/return true/
bluegreen_steps s/return own \&\& own->pair == BG_PAIR_YES/return own/
bluegreen_steps s/"C2 C6 C8 C12"/"C2 C6 C12"/
bluegreen_roles s/has_own_dashboard(c)) {/c->f->has_dashboard) {/
bluegreen_roles s/return c->ntargets == 1 ?/return true ?/
bluegreen_roles s/c->out->previous = is_remembered ? f->last_previous :/c->out->previous =/
bluegreen_roles s/is_previous_known = is_remembered \&\&/is_previous_known =/
bluegreen_roles s/!f->has_dashboard \&\& bg_same(f->last_linked/bg_same(f->last_linked/
bluegreen_roles s/bg_same(f->last_linked, link_holder(c));/true;/
bluegreen_roles s/ || bg_same(e->name, c->out->previous))$/)/
bluegreen_roles s/bg_same(e->name, c->f->last_linked) \&\& !has_own_dashboard(c)/false/
bluegreen_roles s/bg_same(e->name, c->f->last_linked) \&\& !has_own_dashboard(c)/bg_same(e->name, c->f->last_linked)/
bluegreen_roles s/^           bg_same(e->name, c->out->previous);/           false;/
bluegreen_roles s/role_by_mapping(c, e->name) == BG_BLUE \&\& has_no/role_of(c, e) == BG_BLUE \&\& has_no/
bluegreen_envs /add_env(c, f->last_previous)/d
bluegreen_state /read_ms < c->m.0.->modified_ms ||$/s/||$/|| false \&\&/
bluegreen_state /read_ms < c->m.0.->modified_ms ||$/s/f->known.*||$/false ||/
bluegreen_checks s/return !c->f->lock_keys;/return true;/
bluegreen_checks s/bg_same(a->new_env, c->out->previous))/false)/
bluegreen_checks s/else if (!c->nm \&\& !f->has_dashboard/else if (!f->has_dashboard/
bluegreen_checks s/else if (!c->nm \&\& !f->has_dashboard/else if (!c->nm/
bluegreen_checks s/!f->has_dashboard \&\& !bg_is_name(f->last_previous)/!f->has_dashboard/
bluegreen_checks_env s/        if (!a->target)/        if (false)/
bluegreen_steps s/if (!a->old_env)/if (false)/
bluegreen_steps s/if (bg_same(a->target, c->last_consumer))/if (false)/
bluegreen_steps s/if (has_link(c, a->target))/if (false)/
bluegreen_steps s/bg_same(c->f->profile, "live") || bg_same(c->f->shared_env, "live")/false/
bluegreen s/freshness_of(\&age) == FRESH/freshness_of(\&age) != LOST/
EOF
}

compile() { # source object
    $CC $FLAGS -c "$1" -o "$2"
}

run_tests() { # folder with the objects to use first
    for t in $TESTS; do
        $CC -o "$1/$t" "$T/$t.o" $(objects "$1") "$T/libbase.a" $LIBS || return 2
        timeout -k 1 20 "$1/$t" >"$1/log" 2>&1 </dev/null || return 1
    done
}

objects() { # of the folder, else the unchanged ones
    for p in status $PARTS; do
        if [ -f "$1/$p.o" ]; then echo "$1/$p.o"; else echo "$T/$p.o"; fi
    done
}

LIBS="-lcmocka $(pkg-config --libs libutf8proc)"
for f in src/base/*.c; do
    compile "$f" "$T/base_$(basename "$f" .c).o"
done
ar rcs "$T/libbase.a" "$T"/base_*.o
for p in status $PARTS; do
    compile "src/model/$p.c" "$T/$p.o"
done
for t in $TESTS; do
    compile "tests/unit/model/$t.c" "$T/$t.o"
done
mkdir "$T/m"
run_tests "$T/m" || { echo "the tests fail on the unchanged rules"; cat "$T/m/log"; exit 2; }

mutations >"$T/list"
all=0 survived=0 bad=0
while read -r part change; do
    all=$((all + 1))
    rm -f "$T"/m/*
    sed "$change" "src/model/$part.c" >"$T/m/$part.c"
    if cmp -s "$T/m/$part.c" "src/model/$part.c" ||
        ! compile "$T/m/$part.c" "$T/m/$part.o" 2>/dev/null; then
        bad=$((bad + 1))
        echo "changes nothing or does not compile: $part: $change"
        continue
    fi
    rc=0
    run_tests "$T/m" || rc=$?
    case $rc in
    0)
        survived=$((survived + 1))
        echo "survived: $part: $change"
        ;;
    2)
        bad=$((bad + 1))
        echo "does not link: $part: $change"
        ;;
    esac
done <"$T/list"
echo "mutations of the blue/green rules: $all, noticed $((all - survived - bad)), survived $survived, bad $bad"
[ "$survived" -eq 0 ] && [ "$bad" -eq 0 ]
