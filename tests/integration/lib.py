"""Shared by the integration tests: a server that can misbehave, opsdeck with a home of its own, and ok / not ok lines."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.environ.get("B", "build/plain")
OPSDECK = os.path.join(ROOT, B, "opsdeck")
FAULTD = os.path.join(ROOT, "tests/tools/faultd.py")
CONTROL = [chr(i) for i in list(range(0, 9)) + [11, 12] + list(range(14, 32)) + list(range(127, 160))]


class Faultd:
    def __init__(self, *args):
        self.p = subprocess.Popen([sys.executable, FAULTD, "--parent-dies", *args], stdout=subprocess.PIPE, text=True)
        word, port = self.p.stdout.readline().split()
        assert word == "PORT"
        self.port = int(port)
        self.url = "http://127.0.0.1:%d" % self.port

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as r:
            return json.load(r)

    def post(self, path, doc):
        rq = urllib.request.Request(self.url + path, json.dumps(doc).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(rq, timeout=20) as r:
            return r.read()

    def set(self, doc):
        self.post("/_set", doc)

    def log(self):
        return [r for r in self.get("/_log") if not r["path"].startswith("/_")]

    def stop(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


class Home:
    """A home directory with a config and a store; runs opsdeck in it."""

    def __init__(self, config=""):
        self.dir = tempfile.mkdtemp(prefix="opsdeck-test-")
        self.config = os.path.join(self.dir, "config.yaml")
        self.store = os.path.join(self.dir, "store")
        self.write(config)
        self.env = {"HOME": self.dir, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm-256color",
                    "OPSDECK_DATA": ROOT, "OPSDECK_ETC": os.path.join(self.dir, "etc"), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
                    "UBSAN_OPTIONS": os.environ.get("UBSAN_OPTIONS", "")}

    def write(self, config):
        with open(self.config, "w") as f:
            f.write(config)
        os.chmod(self.config, 0o600)

    def argv(self, *args):
        return [OPSDECK, "--config", self.config, "--store", self.store, *args]

    def run(self, *args, env=None, timeout=120):
        return subprocess.run(self.argv(*args), env={**self.env, **(env or {})}, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def json(self, *args, **kw):
        r = self.run(*args, "--json", **kw)
        try:
            return r.returncode, json.loads(r.stdout)
        except ValueError:
            raise AssertionError("no JSON from %s: exit %d, %r, %r" % (args, r.returncode, r.stdout[:300], r.stderr[:500]))

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


def same(got, want, what=""):
    if got != want:
        raise AssertionError("%s: expected %r, got %r" % (what, want, got))


def side_by_side(fn, items, lanes=4):
    """fn of every item, a few at a time: for cases that mostly wait, each with a server and a home of its own."""
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        return list(pool.map(fn, items))


def clean(text, what):
    """No control byte but LF (and CR LF of CSV) ever leaves."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    bad = [c for c in CONTROL if c in text]
    if bad:
        raise AssertionError("%s holds control characters %r" % (what, bad))


def main():
    failed = 0
    for fn in TESTS:
        start = time.monotonic()
        try:
            why = fn()
            print("skip %s: %s" % (fn.__name__, why[5:]) if isinstance(why, str) and why.startswith("skip ") else "ok " + fn.__name__, flush=True)
        except Exception as e:  # noqa: BLE001 a test that breaks in any way has failed
            failed += 1
            print("not ok %s: %s: %s" % (fn.__name__, type(e).__name__, str(e)[:1500]), flush=True)
        if time.monotonic() - start > 2:  # where the time of the whole goes, for whoever reads the log
            print("# %s took %.1f s" % (fn.__name__, time.monotonic() - start), flush=True)
    sys.exit(1 if failed else 0)
