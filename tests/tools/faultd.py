#!/usr/bin/env python3
"""An HTTP server for tests that can misbehave in every way a client must survive.

It frames its answers itself, on raw sockets, so that broken framing can be sent too.
  faultd.py [--port N] [--port-file F] [--root DIR] [--tls CERT KEY] [--reports N] [--parent-dies]
prints "PORT n" once it listens on 127.0.0.1.

  /fault?fault=NAME&...    one of FAULTS below (also on any other path: ?fault=NAME)
  /echo                    JSON of the request as it came
  /status/404              that status
  /_log                    JSON list of requests: id, conn, method, path, query, headers, body
  POST /_log/clear         empties it
  POST /_set               {"/path": {"status","headers","body","fault","delay","times"}, ...}; null removes; "body" may be
                           text or JSON (sent as JSON); a list of answers is given one after another, the last one stays
  POST /_reports           {"NAME": "PASS"|"FAIL"|"PRIVATE"|null, ...}; "": "500" makes the bulk call fail, "": "ok" ends that
With --reports N it also speaks the reports API (bulk call, badges of both dialects, pages).
Anything else: the file of that path under --root, else 404 with an HTML page.
"""
import argparse
import email.utils
import gzip
import html
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

REASONS = {200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
           304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "FORBIDDEN", 404: "NOT FOUND", 405: "METHOD NOT ALLOWED",
           415: "UNSUPPORTED MEDIA TYPE", 429: "Too Many Requests", 500: "INTERNAL SERVER ERROR",
           502: "Bad Gateway", 503: "Service Unavailable"}
JSON_BODY = json.dumps([{"name": "item-%d" % i, "status": "ok"} for i in range(200)]).encode()


class Hangup(Exception):
    """The answer is over, and so is the connection."""


class Request:
    def __init__(self, method, target, version, headers, body):
        self.method, self.target, self.version, self.headers, self.body = method, target, version, headers, body
        split = urllib.parse.urlsplit(target)
        self.path = urllib.parse.unquote(split.path)
        self.query = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))

    def header(self, name, default=""):
        for k, v in self.headers:
            if k.lower() == name.lower():
                return v
        return default

    def arg(self, name, default=None):
        return self.query.get(name, default)


class Answer:
    def __init__(self, status=200, body=b"", ctype="application/json", headers=(), close=False):
        self.status, self.body, self.close = status, body, close
        self.headers = [("Content-Type", ctype)] if ctype else []
        self.headers += list(headers)


# ---------------------------------------------------------------- faults: functions (server, conn, request)
def head(status=200, headers=(), length=None):
    lines = ["HTTP/1.1 %d %s" % (status, REASONS.get(status, "X"))]
    lines += ["%s: %s" % h for h in headers]
    if length is not None:
        lines.append("Content-Length: %s" % length)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


JSON = ("Content-Type", "application/json")


def body_of(request):
    n = int(request.arg("bytes", 0))
    return (b'["' + b"x" * (n - 4) + b'"]') if n > 4 else JSON_BODY


def f_slow(srv, conn, rq):
    """One byte every `ms` milliseconds."""
    body = body_of(rq)
    conn.sendall(head(200, [JSON], len(body)))
    for i in range(len(body)):
        conn.sendall(body[i:i + 1])
        time.sleep(float(rq.arg("ms", 50)) / 1000)


def f_slowheaders(srv, conn, rq):
    for b in head(200, [JSON], len(JSON_BODY)):
        conn.sendall(bytes([b]))
        time.sleep(float(rq.arg("ms", 50)) / 1000)
    conn.sendall(JSON_BODY)


def f_delay(srv, conn, rq):
    time.sleep(float(rq.arg("ms", 500)) / 1000)
    conn.sendall(head(200, [JSON], len(JSON_BODY)) + JSON_BODY)


def f_hang(srv, conn, rq):
    srv.stop.wait(float(rq.arg("s", 60)))
    raise Hangup


def f_stallbody(srv, conn, rq):
    conn.sendall(head(200, [JSON], len(JSON_BODY)) + JSON_BODY[:100])
    srv.stop.wait(float(rq.arg("s", 60)))
    raise Hangup


def f_cut(srv, conn, rq):
    conn.sendall(head(200, [JSON], len(JSON_BODY)) + JSON_BODY[:len(JSON_BODY) // 2])
    raise Hangup


def f_cuthead(srv, conn, rq):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")
    raise Hangup


def f_empty(srv, conn, rq):
    raise Hangup


def f_reset(srv, conn, rq):
    if rq.arg("body"):
        conn.sendall(head(200, [JSON], len(JSON_BODY)) + JSON_BODY[:100])
        time.sleep(0.05)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Hangup


def f_closebody(srv, conn, rq):
    """No length: the end of the connection ends the body."""
    conn.sendall(head(200, [JSON, ("Connection", "close")]) + JSON_BODY)
    raise Hangup


def f_shortlength(srv, conn, rq):
    conn.sendall(head(200, [JSON, ("Connection", "close")], 50) + JSON_BODY)
    raise Hangup


def f_longlength(srv, conn, rq):
    conn.sendall(head(200, [JSON], len(JSON_BODY) + 10) + JSON_BODY)
    raise Hangup


def length_fault(values):
    def fault(srv, conn, rq):
        conn.sendall(head(200, [JSON, ("Connection", "close")] + [("Content-Length", v) for v in values]) + JSON_BODY)
        raise Hangup
    return fault


def chunks(body, size=1000):
    out = b""
    for i in range(0, len(body), size):
        part = body[i:i + size]
        out += b"%x\r\n" % len(part) + part + b"\r\n"
    return out


def chunked(tail):
    def fault(srv, conn, rq):
        conn.sendall(head(200, [JSON, ("Transfer-Encoding", "chunked")]) + chunks(JSON_BODY) + tail)
        raise Hangup
    return fault


def f_badchunk(srv, conn, rq):
    conn.sendall(head(200, [JSON, ("Transfer-Encoding", "chunked")]) + b"3e8\r\n" + JSON_BODY[:1000] + b"\r\nzz\r\n" + JSON_BODY)
    raise Hangup


def gzip_answer(conn, data, headers=()):
    conn.sendall(head(200, [JSON, ("Content-Encoding", "gzip")] + list(headers), len(data)) + data)


def f_gzip(srv, conn, rq):
    gzip_answer(conn, gzip.compress(JSON_BODY))


def f_gzipmembers(srv, conn, rq):
    half = len(JSON_BODY) // 2
    gzip_answer(conn, gzip.compress(JSON_BODY[:half]) + gzip.compress(JSON_BODY[half:]))


def f_gzipbomb(srv, conn, rq):
    mb = int(rq.arg("mb", 64))
    import zlib
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(z.compress(b" " * (1 << 20)) for _ in range(mb)) + z.flush()
    gzip_answer(conn, data)


def f_gzipcut(srv, conn, rq):
    data = gzip.compress(JSON_BODY)
    gzip_answer(conn, data[:len(data) // 2])


def f_gzipcrc(srv, conn, rq):
    data = gzip.compress(JSON_BODY)
    gzip_answer(conn, data[:-8] + b"\0" * 4 + data[-4:])


def f_gziplie(srv, conn, rq):
    gzip_answer(conn, JSON_BODY)


def f_gziptail(srv, conn, rq):
    gzip_answer(conn, gzip.compress(JSON_BODY) + b"garbage behind it")


def f_gzipgzip(srv, conn, rq):
    data = gzip.compress(gzip.compress(JSON_BODY))
    conn.sendall(head(200, [JSON, ("Content-Encoding", "gzip, gzip")], len(data)) + data)


def f_encunknown(srv, conn, rq):
    conn.sendall(head(200, [JSON, ("Content-Encoding", rq.arg("coding", "br"))], len(JSON_BODY)) + JSON_BODY)


def f_bigheader(srv, conn, rq):
    conn.sendall(head(200, [JSON, ("X-Big", "x" * int(rq.arg("bytes", 1 << 20)))], len(JSON_BODY)) + JSON_BODY)


def f_manyheaders(srv, conn, rq):
    conn.sendall(head(200, [JSON] + [("X-%d" % i, "v") for i in range(int(rq.arg("n", 10000)))], len(JSON_BODY)) + JSON_BODY)


def f_informational(srv, conn, rq):
    while True:
        conn.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 20)


def f_http09(srv, conn, rq):
    conn.sendall(b"this is no HTTP at all\r\n")
    raise Hangup


def f_garbage(srv, conn, rq):
    conn.sendall(bytes(range(256)) * 4)
    raise Hangup


def f_headeresc(srv, conn, rq):
    conn.sendall(b"HTTP/1.1 200 O\x1b]0;title\x07K\r\nX-Evil: a\x1b[31mred\xff\x9b1m\r\nContent-Length: 2\r\n\r\n[]")


def f_big(srv, conn, rq):
    n = int(float(rq.arg("mb", 20)) * (1 << 20))
    conn.sendall(head(200, [JSON], n))
    part = b"x" * 65536
    while n > 0:
        conn.sendall(part[:n])
        n -= len(part)


def f_endless(srv, conn, rq):
    conn.sendall(head(200, [JSON, ("Connection", "close")]) + b"[")
    while True:
        conn.sendall(b'{"name":"again and again"},' * 1000)


def f_redirect(srv, conn, rq):
    status = int(rq.arg("status", 302))
    conn.sendall(head(status, [("Location", rq.arg("to", "/echo"))], 0))


def f_loop(srv, conn, rq):
    n = int(rq.arg("n", 0)) + 1
    conn.sendall(head(302, [("Location", "/fault?fault=loop&n=%d" % n)], 0))


def simple(status, body, ctype="application/json", headers=()):
    def fault(srv, conn, rq):
        extra = list(headers)
        ra = rq.arg("ra")
        if ra is not None:
            now = time.time()
            extra.append(("Retry-After", {"date": email.utils.formatdate(now + 7, usegmt=True),
                                          "past": email.utils.formatdate(now - 3600, usegmt=True),
                                          "rfc850": time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(now + 7)),
                                          "asctime": time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(now + 7)),
                                          "huge": "99999999999", "far": "Fri, 31 Dec 9999 23:59:59 GMT", "float": "1.5",
                                          "junk": "soon", "neg": "-5", "empty": "", "zero": "0"}.get(ra, ra)))
        data = body(rq) if callable(body) else body
        srv.send(conn, rq, Answer(status, data, ctype, extra))
    return fault


def page(title):
    return ("<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>" % (title, title)).encode()


def f_etag(srv, conn, rq):
    tag = '"%s"' % rq.arg("tag", "v1")
    if rq.header("If-None-Match") == tag:
        conn.sendall(head(304, [("ETag", tag)]))
    else:
        conn.sendall(head(200, [JSON, ("ETag", tag)], len(JSON_BODY)) + JSON_BODY)


def f_expect304(srv, conn, rq):
    conn.sendall(head(304))


def f_page(srv, conn, rq):
    """Three pages by Link; n=same repeats a page for ever, n=away names another host."""
    p, kind = int(rq.arg("page", 1)), rq.arg("kind", "ok")
    base = "http://%s%s?fault=page&kind=%s&page=" % (rq.header("Host"), rq.path, kind)
    link = {"same": base + str(p), "away": "http://127.0.0.1:1/next", "new": base + str(p + 1)}.get(
        kind, base + str(p + 1) if p < 3 else "")
    body = json.dumps([{"name": "p%d-%d" % (p, i)} for i in range(5)]).encode()
    srv.send(conn, rq, Answer(200, body, headers=[("Link", '<%s>; rel="next"' % link)] if link else []))


FAULTS = {
    "slow": f_slow, "slowheaders": f_slowheaders, "delay": f_delay, "hang": f_hang, "stallbody": f_stallbody, "cut": f_cut,
    "cuthead": f_cuthead, "empty": f_empty, "reset": f_reset, "closebody": f_closebody, "shortlength": f_shortlength,
    "longlength": f_longlength, "twolengths": length_fault(["10", str(len(JSON_BODY))]), "neglength": length_fault(["-5"]),
    "hexlength": length_fault(["0x10"]), "hugelength": length_fault(["99999999999999999999"]),
    "badchunk": f_badchunk, "nolastchunk": chunked(b""), "chunked": chunked(b"0\r\n\r\n"),
    "gzip": f_gzip, "gzipmembers": f_gzipmembers, "gzipbomb": f_gzipbomb, "gzipcut": f_gzipcut, "gzipcrc": f_gzipcrc,
    "gziplie": f_gziplie, "gziptail": f_gziptail, "gzipgzip": f_gzipgzip, "encunknown": f_encunknown,
    "bigheader": f_bigheader, "manyheaders": f_manyheaders, "informational": f_informational, "http09": f_http09,
    "garbage": f_garbage, "headeresc": f_headeresc, "big": f_big, "endless": f_endless, "redirect": f_redirect, "loop": f_loop,
    "etag": f_etag, "notmodified": f_expect304, "page": f_page,
    "429": simple(429, b'{"message":"slow down"}'), "503": simple(503, page("503"), "text/html"),
    "500": simple(500, page("Sorry, there is a problem with the service"), "text/html; charset=utf-8"),
    "401": simple(401, b'{"message":"Bad credentials"}'), "403": simple(403, b'{"message":"no"}'),
    "ratelimit": simple(403, b'{"message":"API rate limit exceeded"}', headers=[
        ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(time.time()) + 600))]),
    "html200": simple(200, page("Sign in"), "text/html"), "okerror": simple(200, b'{"error":"internal","message":"it failed"}'),
    "empty200": simple(200, b""), "null": simple(200, b"null"), "emptylist": simple(200, b"[]"),
    "wrongtype": simple(200, JSON_BODY, "text/plain"), "truncjson": simple(200, JSON_BODY[:-20]),
    "twodocs": simple(200, JSON_BODY + JSON_BODY), "trailing": simple(200, JSON_BODY + b"x"),
    "utf16": simple(200, JSON_BODY.decode().encode("utf-16")), "bom": simple(200, b"\xef\xbb\xbf" + JSON_BODY),
    "badutf8": simple(200, b'[{"name":"a\xff\xc0\x80b"}]'), "nul": simple(200, b'[{"name":"a\\u0000b"}]'),
    "deep": simple(200, lambda rq: b"[" * int(rq.arg("n", 100000)) + b"]" * int(rq.arg("n", 100000))),
    "cookies": simple(200, JSON_BODY, headers=[("Set-Cookie", "session=planted; Path=/"), ("Alt-Svc", 'h2=":1"'),
                                              ("Strict-Transport-Security", "max-age=9999")]),
}


# ---------------------------------------------------------------- the reports API
class Reports:
    WORDS = ["hmpps", "laa", "cloud-platform", "modernisation-platform", "opg", "cica", "yjaf", "analytical-platform"]
    CHECKS = ["administrators_require_review", "default_branch_main", "has_default_branch_protection", "has_description",
              "has_license", "has_require_approvals_enabled", "issues_section_enabled", "requires_approving_reviews"]

    def __init__(self, n):
        self.broken = False
        self.repos = {"operations-engineering": "PASS", ".github": "FAIL", "secret-plans": "PRIVATE"} if n else {}
        for i in range(max(0, n - len(self.repos))):
            name = "%s-service-%03d" % (self.WORDS[i % len(self.WORDS)], i)
            self.repos[name] = "FAIL" if i % 4 == 3 else "PASS"

    def public(self):
        return {k: v for k, v in self.repos.items() if v in ("PASS", "FAIL")}

    def html(self, status, title):
        return Answer(status, page(title), "text/html; charset=utf-8", [("Access-Control-Allow-Origin", "*")])

    def json(self, obj):
        body = json.dumps(obj, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        return Answer(200, body, headers=[("Access-Control-Allow-Origin", "*")])

    def bulk(self, rq):
        if rq.method != "POST":
            return self.html(405, "405 Method Not Allowed")
        if "json" not in rq.header("Content-Type"):
            return self.html(415, "415 Unsupported Media Type")
        try:
            body = json.loads(rq.body)
        except ValueError:
            return self.html(400, "400 Bad Request")
        if self.broken or not isinstance(body, dict) or "repository_names" not in body:
            return self.html(500, "500")
        names = body["repository_names"]
        if names is not None and not isinstance(names, (list, str)):
            return self.html(500, "500")
        return self.json({k: v for k, v in self.public().items() if k in (names or [])})

    def badge(self, name, successor):
        state = self.repos.get(name)
        if successor:
            word = {"PASS": "Pass", "FAIL": "Fail"}.get(state, "Not Found")
            return self.json({"schemaVersion": 1, "style": "for-the-badge", "label": "MoJ Compliant", "labelColor": "0b0c0c",
                              "color": "005ea5" if word == "Pass" else "cc0000", "message": word})
        if state is None:
            return self.html(404, "404")
        if state == "PRIVATE":
            return self.html(403, "403")
        b = {"schemaVersion": 1, "label": "MoJ Compliant", "message": state, "style": "for-the-badge",
             "color": "005ea5" if state == "PASS" else "d4351c"}
        b.update({"labelColor": "231f20"} if state == "PASS" else {"isError": "true"})
        return self.json(b)

    def all_page(self):
        out = ["<!DOCTYPE html><html><body><main>"]
        for name, state in self.public().items():
            colour, word = ("green", "Compliant") if state == "PASS" else ("red", "Non-Compliant")
            out.append('<div><a class="govuk-link" href="/public-report/%s">%s</a>\n<p class="govuk-body govuk-tag govuk-tag--%s">\n'
                       "%s\n</p></div>" % (name, html.escape(name), colour, word))
        return Answer(200, ("\n".join(out) + "</main></body></html>").encode(), "text/html; charset=utf-8")

    def report(self, name):
        state = self.repos.get(name)
        if state is None:
            return self.html(404, "404")
        rows = "".join('<tr><td class="govuk-table__cell">%s</td>\n<td class="govuk-table__cell">%s</td></tr>'
                       % (c, state != "FAIL" or c != "has_license") for c in self.CHECKS)
        return Answer(200, ("<html><body><table>%s</table><p>This report was generated on 21-11-2026 02:04:43 UTC.</p></body></html>"
                            % rows).encode(), "text/html; charset=utf-8")

    def answer(self, rq):
        p = rq.path
        if p == "/api/public-compliance-report":
            return self.bulk(rq)
        m = re.fullmatch(r"(/successor)?/api/(?:v2/compliant-repository|v1/compliant_public_repositories(?:/endpoint)?)/([^/]+)", p)
        if m:
            return self.badge(m.group(2), bool(m.group(1)) or "successor" in rq.query)
        if p == "/all-public-repositories.html":
            return self.all_page()
        if p.startswith("/public-report/"):
            return self.report(p[len("/public-report/"):])
        return None


# ---------------------------------------------------------------- the server
class Server:
    def __init__(self, args):
        self.args, self.lock, self.stop = args, threading.Lock(), threading.Event()
        self.log, self.rules, self.nconn = [], {}, 0
        self.reports = Reports(args.reports) if args.reports else None
        self.tls = None
        if args.tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(args.tls[0], args.tls[1])

    def send(self, conn, rq, a):
        body = a.body if rq.method != "HEAD" else b""
        headers = list(a.headers)
        names = {k.lower() for k, _ in headers}
        if "date" not in names:
            headers.append(("Date", email.utils.formatdate(time.time(), usegmt=True)))
        if a.close:
            headers.append(("Connection", "close"))
        conn.sendall(head(a.status, headers, len(a.body) if a.status not in (204, 304) else None) + body)
        if a.close:
            raise Hangup

    def special(self, rq):
        if rq.path == "/_log":
            with self.lock:
                return Answer(200, json.dumps(self.log).encode())
        if rq.path == "/_log/clear":
            with self.lock:
                self.log.clear()
            return Answer(200, b"{}")
        if rq.path == "/_set":
            with self.lock:
                for path, rule in json.loads(rq.body).items():
                    if rule is None:
                        self.rules.pop(path, None)
                    else:
                        self.rules[path] = rule if isinstance(rule, list) else [rule]
            return Answer(200, b"{}")
        if rq.path == "/_reports" and self.reports:
            with self.lock:
                for name, state in json.loads(rq.body).items():
                    if name == "":
                        self.reports.broken = state == "500"
                    elif state is None:
                        self.reports.repos.pop(name, None)
                    else:
                        self.reports.repos[name] = state
            return Answer(200, b"{}")
        return None

    def rule_for(self, rq):
        with self.lock:
            rules = self.rules.get(rq.path)
            if not rules:
                return None
            rule = rules[0]
            left = rule.get("times", 1) - 1
            if len(rules) > 1:
                if left > 0:
                    rules[0] = dict(rule, times=left)
                else:
                    rules.pop(0)
            return rule

    def plain(self, rq):
        if rq.path == "/echo":
            return Answer(200, json.dumps({"method": rq.method, "target": rq.target, "headers": rq.headers,
                                           "body": rq.body.decode("latin-1")}).encode())
        m = re.fullmatch(r"/status/(\d+)", rq.path)
        if m:
            return Answer(int(m.group(1)), page(m.group(1)), "text/html")
        if rq.path == "/ok":
            return Answer(200, JSON_BODY)
        if self.reports:
            with self.lock:
                a = self.reports.answer(rq)
            if a:
                return a
        if self.args.root:
            root = os.path.realpath(self.args.root)
            path = os.path.realpath(os.path.join(root, rq.path.lstrip("/")))
            if path.startswith(root + os.sep) and os.path.isfile(path):
                ctype = {".json": "application/json", ".html": "text/html", ".xml": "text/xml"}.get(os.path.splitext(path)[1], "text/plain")
                with open(path, "rb") as f:
                    return Answer(200, f.read(), ctype)
        return Answer(404, page("404 Not Found"), "text/html; charset=utf-8")

    def respond(self, conn, rq):
        a = self.special(rq)
        if a:
            return self.send(conn, rq, a)
        rule = self.rule_for(rq)
        fault = rq.arg("fault")
        if rule:
            if rule.get("delay"):
                time.sleep(rule["delay"])
            fault = rule.get("fault", fault if "body" not in rule and "status" not in rule else None)
            rq.query.update({k: str(v) for k, v in rule.get("args", {}).items()})
        if fault:
            if fault not in FAULTS:
                return self.send(conn, rq, Answer(400, b"unknown fault " + fault.encode(), "text/plain"))
            return FAULTS[fault](self, conn, rq)
        if rule:
            body = rule.get("body", "")
            is_text = isinstance(body, str)
            data = body.encode() if is_text else json.dumps(body).encode()
            headers = list(rule.get("headers", {}).items())
            ctype = None if any(k.lower() == "content-type" for k, _ in headers) else "application/json"
            return self.send(conn, rq, Answer(int(rule.get("status", 200)), data, ctype, headers))
        return self.send(conn, rq, self.plain(rq))

    def read_request(self, f):
        line = f.readline(65537).decode("latin-1")
        if not line.strip():
            return None
        method, target, version = line.split()
        headers = []
        while True:
            h = f.readline(65537).decode("latin-1").rstrip("\r\n")
            if not h:
                break
            k, _, v = h.partition(":")
            headers.append([k, v.strip()])
        length = int(next((v for k, v in headers if k.lower() == "content-length"), 0))
        return Request(method, target, version, headers, f.read(length) if length else b"")

    def serve(self, conn, number):
        try:
            conn.settimeout(120)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            f = conn.makefile("rb")
            while not self.stop.is_set():
                rq = self.read_request(f)
                if rq is None:
                    break
                if not rq.path.startswith("/_"):
                    with self.lock:
                        self.log.append({"id": len(self.log), "conn": number, "method": rq.method, "path": rq.path, "query": rq.query,
                                         "at": time.time(), "headers": rq.headers, "body": rq.body.decode("latin-1")})
                self.respond(conn, rq)
                if rq.header("Connection").lower() == "close":
                    break
        except (Hangup, OSError, ValueError):
            pass  # the peer went away or the fault ends here: both are daily bread
        finally:
            try:
                conn.close()
            except OSError:
                pass

    def run(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.args.port))
        listener.listen(256)
        port = listener.getsockname()[1]
        if self.args.port_file:
            with open(self.args.port_file + ".new", "w") as f:
                f.write("%d\n" % port)
            os.rename(self.args.port_file + ".new", self.args.port_file)
        print("PORT %d" % port, flush=True)
        while True:
            conn, _ = listener.accept()
            self.nconn += 1
            threading.Thread(target=self.serve, args=(conn, self.nconn), daemon=True).start()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--port-file")
    p.add_argument("--root")
    p.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    p.add_argument("--reports", type=int, default=0, metavar="N")
    p.add_argument("--parent-dies", action="store_true", help="end when the starting process is gone")
    p.add_argument("--list", action="store_true", help="print the faults and end")
    args = p.parse_args()
    if args.list:
        print("\n".join(sorted(FAULTS)))
        return
    if args.parent_dies:
        parent = os.getppid()

        def watch():
            while os.getppid() == parent:
                time.sleep(0.5)
            os._exit(0)
        threading.Thread(target=watch, daemon=True).start()
    try:
        Server(args).run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
