#!/usr/bin/env python3
"""Every #include of src/ and include/ against layers.txt, library headers against the one room that may see them, and banned calls.
One pass over the files. Run from anywhere; works on the tree it stands in."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
ROOM = re.compile(r"^(?:src|include/opsdeck)/([a-z]+)/")
COMMENT = re.compile(r"^\s*(/?\*|//)")
# Functions with a better one of ours, and calls that would block the loop.
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strncpy|strtok|atoi|atol|atof|gmtime|localtime|asctime|ctime|system|popen|tmpnam"
                    r"|curl_easy_perform|getaddrinfo|sleep|usleep)\s*\(")
# A clock of the machine is read in one file; everybody else asks a `struct clock`.
CLOCK = re.compile(r"\b(clock_gettime|gettimeofday|ev_now|ev_time|timespec_get|time)\s*\(")
CLOCK_HOME = "src/base/clock.c"
# A library's header is seen by one room or one file.
LIBRARY = [(re.compile(r"(curses|ncurses.*|term)\.h$"), "src/ui/term.c"), (re.compile(r"curl/"), "net"), (re.compile(r"sqlite3\.h$"), "store sim"),
           (re.compile(r"libfyaml\.h$"), "config"), (re.compile(r"microhttpd\.h$"), "sim")]
# Of store, the upper rooms see a port each: ui the queries, poll the ingest.
PORTS = {"ui": {"query.h"}, "poll": {"ingest.h", "sandbox.h"}}


def allowed_rooms():
    rooms = {}
    with open(os.path.join(ROOT, "tests/lint/layers.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                room, _, below = line.partition(":")
                rooms[room] = {"base", room, *below.split()}
    return rooms


def files():
    for top in ("src", "include"):
        for d, _, names in os.walk(os.path.join(ROOT, top)):
            for n in sorted(names):
                if n.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(d, n), ROOT)


def wrong_include(path, room, inc, rooms):
    """Why `path` may not include `inc`; None when it may."""
    if inc.startswith("opsdeck/"):
        other, name = inc.split("/")[1:3]
        if other not in rooms.get(room, ()):
            return "%s must not include %s" % (room, inc)
        if other == "store" and room in PORTS and name not in PORTS[room]:
            return "%s must not see %s: another port of store" % (room, inc)
    for pattern, owner in LIBRARY:
        if pattern.match(inc) and not {path, room} & set(owner.split()):
            return "only %s may include %s" % (owner, inc)
    return None


def main():
    rooms, seen, bad = allowed_rooms(), 0, []
    for path in files():
        found = ROOM.match(path)
        room = found.group(1) if found else "main"
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            for n, line in enumerate(f, 1):
                inc = INCLUDE.match(line)
                if inc:
                    seen += 1
                    why = wrong_include(path, room, inc.group(1), rooms)
                    if why:
                        bad.append("%s:%d: %s" % (path, n, why))
                elif path.startswith("src/") and BANNED.search(line) and not COMMENT.match(line):
                    bad.append("%s:%d: banned: %s" % (path, n, line.strip()))
                elif path != CLOCK_HOME and CLOCK.search(line) and not COMMENT.match(line) and '"' not in line:
                    bad.append("%s:%d: only %s reads a clock: %s" % (path, n, CLOCK_HOME, line.strip()))
                elif "pthread_create" in line and path != "src/base/worker.c":
                    bad.append("%s:%d: a thread outside base/worker.h: %s" % (path, n, line.strip()))
    if seen <= 50:
        bad.append("only %d includes seen: the check is broken" % seen)
    print("\n".join(bad) if bad else "layers: %d includes in order" % seen)
    return 1 if bad else 0


sys.exit(main())
