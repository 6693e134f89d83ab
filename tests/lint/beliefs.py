#!/usr/bin/env python3
"""Written beliefs: require() calls per 1,000 functions of each room, and how many of the functions that hold one are tripped by a unit test
of the room (tests/unit/trips.h). Prints the table of docs/testing.md; --check ends with 1 where a room falls below what is promised there."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("base", "config", "decode", "model", "net", "store", "poll", "ui")
PROMISED = {"model": 160, "net": 160, "store": 160, "poll": 160, "ui": 160}  # per 1,000 functions; one in ten of them tripped
HEAD = re.compile(r"^[a-z][^;={}]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.M | re.S)


def text_of(pattern):
    out = []
    for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
        with open(path, encoding="utf-8") as f:
            out.append(f.read())
    return "\n".join(out)


def room_of(room):
    """(functions, require() calls, functions that hold one, those of them that a unit test trips)"""
    bodies = HEAD.findall(text_of("src/%s/**/*.c" % room))
    calls = {}
    for name, body in bodies:
        n = len(re.findall(r"\brequire\(", body))
        if n:
            calls[name] = calls.get(name, 0) + n
    tests = text_of("tests/unit/%s/**/*.[ch]" % room)
    tripped = {name for name in calls if re.search(r"\"%s\"" % name, tests)}
    return len(bodies), sum(calls.values()), len(calls), len(tripped)


def main():
    low = 0
    print("| room | functions | `require()` | per 1,000 | functions with one | tripped by a test |")
    print("|---|---|---|---|---|---|")
    for room in ROOMS:
        functions, calls, holders, tripped = room_of(room)
        ratio = calls * 1000 // max(functions, 1)
        print("| %s | %d | %d | %d | %d | %d |" % (room, functions, calls, ratio, holders, tripped))
        if ratio < PROMISED.get(room, 0) or (room in PROMISED and tripped * 10 < holders):
            low += 1
            print("%s: below %d in 1,000, or fewer than one in ten tripped" % (room, PROMISED[room]), file=sys.stderr)
    return 1 if low and "--check" in sys.argv else 0


sys.exit(main())
