#!/usr/bin/env bash
# Runs the test groups named (unit pty integration lint), two programs at a time (JOBS), and ends with
# "N passed, N failed, N skipped". `run.sh GROUP... [room=NAME] [only=GLOB]`: room picks unit tests, only= programs by name.
# Every test program prints lines "ok NAME", "not ok NAME: why" or "skip NAME: why"; cmocka's own output is translated.
# Each has an empty home and a temporary folder of its own and sees no variable of the person who runs it.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build/plain}
JOBS=${JOBS:-2}
LIMIT=300 # seconds that one program may take
passed=0 failed=0 skipped=0
log=$B/test.log
mkdir -p "$B"
: >"$log"
work=$(mktemp -d /tmp/opsdeck-tests-XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM

# ---- what is run: one word a program, GROUP/NAME, the groups in the order given
room='*' only='*' groups=()
for a in "$@"; do
    case $a in
    room=*) room=${a#room=} ;;
    only=*) only=${a#only=} ;;
    unit | pty | integration | lint) groups+=("$a") ;;
    *) echo "unknown group $a"; exit 2 ;;
    esac
done
programs=()
for group in "${groups[@]}"; do
    for t in tests/"$group"/*.test tests/"$group"/$room/test_*.c; do
        [ -f "$t" ] || continue
        t=${t#tests/} t=${t%.test} t=${t%.c}
        # shellcheck disable=SC2053 # a pattern on purpose
        [[ $t == $only || ${t##*/} == $only ]] && programs+=("$t")
    done
done

# ---- one program, in the background: $work/N.out is what it said, N.tap its ok lines, N.end status and seconds
lines() { # NAME OUT: cmocka's report, or lines that are there already
    case $1 in
    unit/*) sed -nE "s|^\[       OK \] (.*)\$|ok $1 \1|p; s|^\[  SKIPPED \] ([^:]*)\$|skip $1 \1|p; s|^\[  FAILED  \] ([a-zA-Z0-9_]+)\$|not ok $1 \1|p" "$2" | sort -u ;;
    *) grep -E '^(ok|not ok|skip) ' "$2" ;;
    esac
}

one() { # N NAME
    local n=$1 name=$2 dir=$work/$1 start=${EPOCHREALTIME/./} end status command child
    case $name in
    unit/*) command=$B/tests/$name ;;
    *) command=tests/$name.test ;;
    esac
    mkdir -p "$dir/home" "$dir/run" "$dir/tmp"
    chmod 700 "$dir/run"
    env -i PATH="$PATH" B="$B" LC_ALL=C.UTF-8 TZ=UTC TERM=xterm-256color OPSDECK_DATA="$PWD" OPSDECK_ETC="$dir/etc" HOME="$dir/home" TMPDIR="$dir/tmp" \
        XDG_RUNTIME_DIR="$dir/run" TMUX_TMPDIR="$dir/tmp" PYTHONUSERBASE="${PYTHONUSERBASE:-$HOME/.local}" CMOCKA_MESSAGE_OUTPUT=STDOUT \
        ASAN_OPTIONS="${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1:exitcode=99}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}" \
        ${UPDATE_GOLDEN:+UPDATE_GOLDEN="$UPDATE_GOLDEN"} timeout -k 10 $LIMIT "$command" >"$work/$n.out" 2>&1 </dev/null &
    child=$!
    trap 'kill $child' TERM
    wait $child 2>/dev/null
    status=$?
    end=${EPOCHREALTIME/./}
    rm -rf "$dir"
    lines "$name" "$work/$n.out" >"$work/$n.tap"
    if [ $status != 0 ] && ! grep -q '^not ok ' "$work/$n.tap"; then
        echo "not ok $name: exit $status" >>"$work/$n.tap"
    elif ! [ -s "$work/$n.tap" ]; then
        echo "not ok $name: it ran no test" >>"$work/$n.tap"
    fi
    printf '%d %d.%d\n' $status $(((end - start) / 1000000)) $(((end - start) / 100000 % 10)) >"$work/$n.tmp"
    mv "$work/$n.tmp" "$work/$n.end"
}

report() { # N NAME: what a person reads of it, and the count
    local n=$1 name=$2 status seconds p f s
    read -r status seconds <"$work/$n.end"
    { echo "== $name (exit $status, $seconds s)"; cat "$work/$n.out"; } >>"$log"
    p=$(grep -c '^ok ' "$work/$n.tap") f=$(grep -c '^not ok ' "$work/$n.tap") s=$(grep -c '^skip ' "$work/$n.tap")
    if [ "$f" != 0 ]; then
        grep -vE '^\[ RUN|^\[       OK|^(ok|skip) ' "$work/$n.out" | tail -n 60
    fi
    printf '  %-5s %s (%s) %s s\n' TEST "$name" "$p" "$seconds"
    grep -E '^(not ok|skip) ' "$work/$n.tap"
    echo "$seconds $name" >>"$work/seconds"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# ---- the pool: what is said is told in the order of the list, whichever ends first
started=0 told=0 running=0
while [ $told -lt ${#programs[@]} ]; do
    while [ $started -lt ${#programs[@]} ] && [ $running -lt "$JOBS" ]; do
        one $started "${programs[started]}" &
        started=$((started + 1)) running=$((running + 1))
    done
    wait -n
    running=$((running - 1))
    while [ $told -lt ${#programs[@]} ] && [ -e "$work/$told.end" ]; do
        report $told "${programs[told]}"
        told=$((told + 1))
    done
done
echo "slowest: $(sort -rn "$work/seconds" 2>/dev/null | head -n 6 | awk '{ printf "%s%s %s s", n++ ? ", " : "", $2, $1 }')"
echo "log: $log"
echo "$passed passed, $failed failed, $skipped skipped" | tee "$B/result.txt"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
