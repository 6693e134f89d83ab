#!/usr/bin/env python3
"""How fast requests are signed, and what of a poll of 300 functions is ours rather than the server's. Ratios against a peer or a floor of the same run."""
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, "tests/integration")
from lib import B, OPSDECK, ROOT, Home  # noqa: E402

AWSSIGN = os.path.join(ROOT, B, "tests/tools/awssign")
SIM = os.path.join(ROOT, B, "opsdeck-sim")
KEYS = [("AKIDDEMOPROD00000001", "demo-secret-of-the-production-account-01"), ("AKIDDEMONONPROD00001", "demo-secret-of-the-nonprod-account-00001"),
        ("AKIDDEMOMGMT00000001", "demo-secret-of-the-management-account-01")]
RUNS = 7


def say(what, figure, goal=""):
    print("%-58s %14s   %s" % (what, figure, goal))


def signing():
    ours = statistics.median(float(subprocess.check_output([AWSSIGN, "--bench", "100000"])) for _ in range(3))
    say("signed requests a second and core", "%.0f" % ours, "goal: 2,000")
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        say("... against botocore's signer", "skipped", "python3-botocore is not here")
        return
    auth = SigV4Auth(Credentials(*KEYS[0], "k" * 1200), "lambda", "eu-west-2")
    n, start = 2000, time.process_time()
    for _ in range(n):
        auth.add_auth(AWSRequest("GET", "https://lambda.eu-west-2.amazonaws.com/2015-03-31/functions?MaxItems=50&Marker=abcdefghijklmnop%2Fqrst%3D", {"Accept": "application/json"}))
    theirs = n / (time.process_time() - start)
    say("... against botocore's signer (%.0f a second)" % theirs, "%.0f x" % (ours / theirs))


def page(conn, port, key, marker):
    """One page asked as opsdeck asks it; the time is from sending to the last byte. The signature is made before."""
    query = "MaxItems=50" + ("&Marker=" + marker if marker else "")
    q = {"method": "GET", "host": "127.0.0.1:%d" % port, "path": "/2015-03-31/functions", "query": query, "headers": [], "body": "", "key": key[0], "secret": key[1],
         "region": "eu-west-2", "service": "lambda", "at": int(time.time() * 1000)}
    auth = subprocess.run([AWSSIGN], input=json.dumps(q).encode() + b"\n", capture_output=True, check=True).stdout.decode().strip()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(q["at"] / 1000))
    start = time.perf_counter()
    conn.request("GET", q["path"] + "?" + query, headers={"X-Amz-Date": stamp, "Authorization": auth, "Accept": "application/json"})
    r = conn.getresponse()
    body = r.read()
    took = time.perf_counter() - start
    if r.status != 200:
        raise SystemExit("the estate said %d: %s" % (r.status, body[:300]))
    return json.loads(body), took


def server_s(port, key):
    conn = http.client.HTTPConnection("127.0.0.1", port)
    total, n, pages, marker = 0.0, 0, 0, None
    while True:
        doc, took = page(conn, port, key, marker)
        total, n, pages = total + took, n + len(doc["Functions"]), pages + 1
        marker = doc.get("NextMarker")
        if not marker:
            return total, n, pages


def one_round(port, home):
    """All accounts one after the other, so that times add up."""
    server, wall, cpu, functions, pages = 0.0, 0.0, 0.0, 0, 0
    for i, key in enumerate(KEYS):
        s, n, k = server_s(port, key)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code, doc = home.json("poll", "--source", "f%d" % i)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code or doc["sources"][0]["outcome"] != "ok":
            raise SystemExit("the poll failed: %s" % doc)
        server, wall, functions, pages = server + s, wall + doc["sources"][0]["ms"] / 1000, functions + n, pages + k
        cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, server, cpu, functions, pages


def polling():
    sim = subprocess.Popen([SIM, "--with-parent", "--at", "0"], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    url = sim.stdout.readline().split()[-1]
    port = int(url.rsplit(":", 1)[1])
    home = Home("sources:\n" + "".join("  - {name: f%d, recipe: lambda-functions, aws: {profile: p%d, region: eu-west-2, endpoint_url: \"%s\"}}\n" % (i, i, url)
                                       for i in range(len(KEYS))))
    os.mkdir(os.path.join(home.dir, ".aws"))
    with open(os.path.join(home.dir, ".aws/credentials"), "w") as f:
        for i, key in enumerate(KEYS):
            f.write("[p%d]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (i, *key))
    rounds = [one_round(port, home) for _ in range(RUNS)]
    sim.kill()
    home.remove()
    wall, server, cpu = (statistics.median(r[i] for r in rounds) for i in range(3))
    say("a poll of %d functions (%d pages, %d accounts)" % (rounds[0][3], rounds[0][4], len(KEYS)), "%.1f ms" % (wall * 1000))
    say("... of it the server's, asked one page after the other", "%.1f ms" % (server * 1000))
    say("... of it ours (mapping, history, signing, loop)", "%.1f ms, %.0f %%" % (max(0, wall - server) * 1000, max(0, 1 - server / wall) * 100))
    say("processor time of the %d `opsdeck poll` processes" % len(KEYS), "%.1f ms" % (cpu * 1000))


signing()
polling()
