#!/usr/bin/env python3
"""How long the demo takes to answer, against the floor of starting the same program; and turns of the loop over 5 ms while 3,000 repositories are polled without a screen."""
import os
import re
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, "tests/integration")
from lib import B, OPSDECK, ROOT, Home  # noqa: E402

RUNS = 5


def say(what, figure, goal=""):
    print("%-58s %14s   %s" % (what, figure, goal))


def seconds(h, *args):
    start = time.monotonic()
    r = subprocess.run([OPSDECK, *args], env=h.env, capture_output=True, stdin=subprocess.DEVNULL, timeout=100)
    if not r.stdout:
        raise SystemExit("%s printed nothing: %s" % (" ".join(args), r.stderr[:300]))
    return time.monotonic() - start


def demo():
    h = Home()
    floor = statistics.median(seconds(h, "--version") for _ in range(RUNS))
    ours = statistics.median(seconds(h, "--demo", "status", "--json") for _ in range(RUNS))
    say("--demo status, every source polled once", "%.2f s" % ours, "goal: under 3 s")
    say("... against the start of the program (%.1f ms)" % (floor * 1000), "%.0f x" % (ours / floor))
    h.remove()


def turns():
    h = Home()
    sim = subprocess.Popen([os.path.join(ROOT, B, "opsdeck-sim"), "--repositories", "3000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = sim.stdout.readline().split()[-1]
    h.write("sources:\n  - {name: reports, recipe: moj-reports, url: %s, every: 15m, rate: none, params: {discover: true, details: failing}}\n" % url)
    p = subprocess.Popen(h.argv("collect"), env=h.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = None
    for _ in range(600):
        time.sleep(0.1)
        for d, _, names in os.walk(h.dir):
            if "collect.log" in names:
                log = os.path.join(d, "collect.log")
        if log and " rows, " in open(log).read():
            break
    p.send_signal(signal.SIGTERM)
    p.wait(10)
    sim.kill()
    text = open(log).read() if log else ""
    if " rows, " not in text:
        raise SystemExit("the poll of 3,000 repositories did not end: %s" % text[-300:])
    slow = [float(ms) for ms in re.findall(r"slow turn: .* took ([0-9.]+) ms", text)]
    say("turns over 5 ms in a poll of 3,000 repositories", "%d" % len(slow), "goal: 0" + ("; longest %.1f ms" % max(slow) if slow else ""))
    h.remove()


demo()
turns()
