#!/usr/bin/env python3
"""Two builds of opsdeck-sim side by side: the same signed requests, at each step and variant of the story, must get the same answers.
Usage: sim_compare.py OLD NEW [STEP...]   (asks the operations whose answers are data; JSON and XML are compared as values, times with two seconds' tolerance)"""
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from itertools import chain
from xml.etree import ElementTree

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = {"100000000001": ("AKIDDEMOMGMT00000001", "demo-secret-of-the-management-account-01"),
        "200000000002": ("AKIDDEMONONPROD00001", "demo-secret-of-the-nonprod-account-00001"),
        "300000000003": ("AKIDDEMOPROD00000001", "demo-secret-of-the-production-account-01")}
TARGETS = {"sqs": ("AmazonSQS", "1.0"), "secretsmanager": ("secretsmanager", "1.1"), "kms": ("TrentService", "1.1"), "wafv2": ("AWSWAF_20190729", "1.1"),
           "ecr": ("AmazonEC2ContainerRegistry_V20150921", "1.1"), "ecs": ("AmazonEC2ContainerServiceV20141113", "1.1"),
           "codedeploy": ("CodeDeploy_20141006", "1.1"), "health": ("AWSHealth_20160804", "1.1"), "tagging": ("ResourceGroupsTaggingAPI_20170126", "1.1"),
           "acm": ("CertificateManager", "1.1")}
# The REST protocols: the path of each operation; {} is taken from the body's "path", the rest of it is the query.
ROUTES = {"GetAccount": "/v2/email/account", "ListHealthChecks": "/2013-04-01/healthcheck", "GetHealthCheckStatus": "/2013-04-01/healthcheck/{}/status",
          "ListDistributions": "/2020-05-31/distribution", "GetRestApis": "/restapis", "GetStages": "/restapis/{}/stages"}
STEPS = ["0", "75", "120", "141", "200", "251", "300", "400", "600", *("V%d" % n for n in range(1, 13))]


class Sim:
    def __init__(self, binary, step):
        self.p = subprocess.Popen([binary, "--once-ready", "--with-parent", "--at", step, "--repositories", "1"], stdout=subprocess.PIPE, text=True)
        self.url = self.p.stdout.readline().split()[-1]

    def ask(self, account, region, service, op, body):
        key = Credentials(*KEYS[account])
        path, headers, method, data = "/", {}, "POST", json.dumps(body)
        if op in ROUTES:
            query = {k: v for k, v in body.items() if k != "path"}
            path, method, data = ROUTES[op].format(body.get("path")) + ("?" + urllib.parse.urlencode(query) if query else ""), "GET", None
        elif service in ("elasticloadbalancing", "rds"):
            data = urllib.parse.urlencode({"Action": op, "Version": "2015-12-01", **body})
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        else:
            headers = {"X-Amz-Target": TARGETS[service][0] + "." + op, "Content-Type": "application/x-amz-json-" + TARGETS[service][1]}
        rq = AWSRequest(method=method, url=self.url + path, data=data, headers=headers)
        SigV4Auth(key, service, region).add_auth(rq)
        try:
            with urllib.request.urlopen(urllib.request.Request(rq.url, data and data.encode(), dict(rq.headers), method=method)) as r:
                status, query, text = r.status, r.headers.get("x-amzn-query-error"), r.read()
        except urllib.error.HTTPError as e:
            status, query, text = e.code, e.headers.get("x-amzn-query-error"), e.read()
        return status, query, tree(ElementTree.fromstring(text)) if text.startswith(b"<") else json.loads(text)

    def end(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


def tree(e):
    """An element as values: its name, and its text or what is in it; the order of unlike elements does not count."""
    below = sorted((tree(x) for x in e), key=lambda x: x[0])
    return (e.tag, below if below else "" if e.tag.endswith("}RequestId") else e.text)


def seconds(s):
    try:
        return datetime.fromisoformat(s).timestamp() if isinstance(s, str) and len(s) > 18 else s
    except ValueError:
        return s


def alike(a, b):
    a, b = seconds(a), seconds(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, str) and isinstance(b, str) and a.isdigit() and b.isdigit():
        a, b = int(a), int(b)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool) and not isinstance(b, bool):
        return a == b or (a > 1e9 and abs(a - b) <= 2)
    return type(a) is type(b) and a == b


def bodies(old, account, region):
    def ask(service, op, body):
        return old.ask(account, region, service, op, body)[2]
    urls = ask("sqs", "ListQueues", {}).get("QueueUrls", [])
    secrets = [s["Name"] for s in ask("secretsmanager", "ListSecrets", {}).get("SecretList", [])]
    keys = [k["TargetKeyId"] for k in ask("kms", "ListAliases", {}).get("Aliases", [])]
    yield "sqs", "ListQueues", [{}, {"QueueNamePrefix": "uec-dos-int-live"}, {"QueueNamePrefix": "none"}, {"MaxResults": 3}, {"NextToken": "x"},
                                {"MaxResults": 3, "NextToken": "demo/ListQueues+page=3"}, {"MaxResults": 2000}]
    yield "sqs", "GetQueueUrl", [{}, {"QueueName": "none"}, *({"QueueName": u.rsplit("/", 1)[1]} for u in urls[:4])]
    yield "sqs", "GetQueueAttributes", [{}, {"QueueUrl": "https://x/none", "AttributeNames": ["All"]}, *({"QueueUrl": u, "AttributeNames": ["All"]} for u in urls),
                                        *({"QueueUrl": u.rsplit("/", 1)[1], "AttributeNames": ["QueueArn", "VisibilityTimeout"]} for u in urls[:3]),
                                        *({"QueueUrl": u} for u in urls[:1])]
    yield "secretsmanager", "ListSecrets", [{}, {"MaxResults": 2}, {"MaxResults": 0}, {"MaxResults": 2, "NextToken": "demo/ListSecrets+page=2"}, {"NextToken": "bad"}]
    yield "secretsmanager", "DescribeSecret", [{}, {"SecretId": "none"}, *({"SecretId": s} for s in secrets)]
    yield "kms", "ListAliases", [{}, {"Limit": 1}, {"Limit": 1, "Marker": "demo/ListAliases+page=1"}, {"Limit": 200}, *({"KeyId": k} for k in keys), {"KeyId": "none"}]
    for repo in ("uec-dos/int/send-email", "uec-dos/int/service-sync", "none"):
        images = [i["imageTags"][0] for i in ask("ecr", "DescribeImages", {"repositoryName": repo}).get("imageDetails", [])]
        yield "ecr", "DescribeImages", [{"repositoryName": repo}, {"repositoryName": repo, "maxResults": 2}, {"repositoryName": repo, "imageIds": [{"imageTag": "no"}]},
                                        {"repositoryName": repo, "imageIds": [{"imageDigest": "no"}]}, {"repositoryName": repo, "imageIds": [{"imageTag": "a"}] * 101},
                                        *({"repositoryName": repo, "imageIds": [{"imageTag": t}]} for t in images)]
    yield "ecr", "DescribeImages", [{}]
    yield "wafv2", "GetWebACL", [{}, {"Id": "none"}, *({"Id": k} for k in keys)]
    arn = "arn:aws:ecs:%s:%s:cluster/neighbours" % (region, account)
    yield "ecs", "DescribeClusters", [{}, {"clusters": ["neighbours", "none", arn, 3]}]
    yield "ses", "GetAccount", [{}]
    app, ids = "directory-web", ["d-DEMO00003", "d-DEMO00001", "d-DEMO00002", "none"]
    yield "codedeploy", "ListApplications", [{}, {"nextToken": "bad"}]
    yield "codedeploy", "ListDeploymentGroups", [{}, {"applicationName": app}, {"applicationName": "none"}]
    group = {"applicationName": app, "deploymentGroupName": app + "-live"}
    yield "codedeploy", "ListDeployments", [{}, group, {**group, "includeOnlyStatuses": ["Ready", "Failed"]}, {**group, "deploymentGroupName": "x"},
                                            {"applicationName": app}, {"applicationName": "none"}, {"deploymentGroupName": app + "-live"}]
    yield "codedeploy", "BatchGetDeployments", [{}, {"deploymentIds": []}, {"deploymentIds": ids}, {"deploymentIds": ["x"] * 26}]
    yield "codedeploy", "ListDeploymentTargets", [{}, *({"deploymentId": i} for i in ids)]
    one = "neighbours:directory-web"
    yield "codedeploy", "BatchGetDeploymentTargets", [{}, *({"deploymentId": i, "targetIds": [one]} for i in ids), {"deploymentId": ids[0], "targetIds": ["x"]},
                                                      {"deploymentId": ids[0]}, {"deploymentId": ids[0], "targetIds": [one, one]}]


def more_bodies(old, account, region):
    def ask(service, op, body):
        return old.ask(account, region, service, op, body)[2]
    here = region if region == "us-east-1" else None
    if here:  # global services sign for it
        arns = [e["arn"] for e in ask("health", "DescribeEvents", {}).get("events", [])][:10] + ["none"]
        now = 1e10
        yield "health", "DescribeEvents", [{}, {"maxResults": 50}, {"nextToken": "demo/DescribeEvents+page=100"}, {"nextToken": "x"},
                                           *({"filter": f} for f in ({"services": ["RDS", "EC2"]}, {"regions": ["global"]}, {"eventTypeCategories": ["issue"]},
                                                                     {"eventStatusCodes": ["open", "upcoming"]}, {"eventArns": arns[:2]},
                                                                     {"lastUpdatedTimes": [{"from": now}]}, {"lastUpdatedTimes": [{"to": now}, {"from": 1}]}))]
        yield "health", "DescribeEventDetails", [{}, {"eventArns": arns[1:]}, {"eventArns": ["x"] * 11}]
        yield "health", "DescribeAffectedEntities", [{}, {"filter": {"eventArns": arns[:9]}}, {"filter": {"eventArns": ["x"]}}]
        yield "route53", "ListHealthChecks", [{}, {"maxitems": 1}, {"maxitems": 1, "marker": "demo/ListHealthChecks+page=1"}, {"marker": "x"}]
        keys = [k["TargetKeyId"] for k in ask("kms", "ListAliases", {}).get("Aliases", [])]
        yield "route53", "GetHealthCheckStatus", [{"path": k} for k in [*keys, "none"]]
        yield "cloudfront", "ListDistributions", [{}]
    yield "tagging", "GetResources", [{}, {"ResourcesPerPage": 100}, {"PaginationToken": "demo/GetResources+page=50"}, {"PaginationToken": "x"},
                                      {"ResourceTypeFilters": ["lambda"]}, {"ResourceTypeFilters": ["dynamodb:table", "sqs"]}, {"ResourceTypeFilters": ["lambda:x"]},
                                      {"TagFilters": [{"Key": "Environment", "Values": ["live", "ds-4020"]}]}, {"TagFilters": [{"Key": "Tool"}]},
                                      {"TagFilters": [{"Key": "Tool", "Values": ["x"]}]}, {"TagFilters": [{"Key": "Tool"}, {"Key": "Product", "Values": ["uec-dos-int"]}]}]
    certificates = [c["CertificateArn"] for c in ask("acm", "ListCertificates", {}).get("CertificateSummaryList", [])]
    yield "acm", "ListCertificates", [{}, {"MaxItems": 1}, {"NextToken": "x"}]
    yield "acm", "DescribeCertificate", [{}, {"CertificateArn": "none"}, *({"CertificateArn": c} for c in certificates)]
    yield "apigateway", "GetRestApis", [{}, {"limit": 2}, {"limit": 2, "position": "demo/GetRestApis+page=2"}, {"position": "x"}]
    yield "apigateway", "GetStages", [{"path": "demoapi00%d" % i} for i in range(9)]
    names = ("uec-core-dos-put-cluster-14-two", "uec-core-dos-performance-cluster-14-one", "none")
    yield "rds", "DescribeDBInstances", [{}, {"MaxRecords": 1}, {"Marker": "x"}, *({"DBInstanceIdentifier": n} for n in names)]
    yield "rds", "DescribeBlueGreenDeployments", [{}, *({"BlueGreenDeploymentIdentifier": n} for n in ("bgd-demo0put0upgrade", "none"))]
    elb = "arn:aws:elasticloadbalancing:%s:%s:" % (region, account)
    yield "elasticloadbalancing", "DescribeTargetGroups", [{}, {"Names.member.1": "booking-api"}, {"Names.member.1": "none"}, {"PageSize": 2}]
    yield "elasticloadbalancing", "DescribeTargetHealth", [{}, {"TargetGroupArn": "none"}, *({"TargetGroupArn": elb + "targetgroup/%s/0de000000000000%d" % x} for x in (
        ("directory-web-blue", 1), ("directory-web-green", 2), ("booking-api", 3), ("booking-api-green", 4)))]
    lb, listener = elb + "loadbalancer/app/neighbours/0de0000000000001", elb + "listener/app/neighbours/0de0000000000001/0de0000000000002"
    yield "elasticloadbalancing", "DescribeLoadBalancers", [{}, {"Names.member.1": "neighbours"}, {"Names.member.1": "x"}, {"LoadBalancerArns.member.1": lb},
                                                            {"LoadBalancerArns.member.1": "x"}]
    yield "elasticloadbalancing", "DescribeListeners", [{}, {"LoadBalancerArn": lb}, {"LoadBalancerArn": "x"}, {"ListenerArns.member.1": listener},
                                                        {"ListenerArns.member.1": "x"}]
    yield "elasticloadbalancing", "DescribeRules", [{}, {"ListenerArn": listener}, {"ListenerArn": "x"}]


def main():
    asked, bad = 0, 0
    for step in sys.argv[3:] or STEPS:
        old, new = Sim(os.path.abspath(sys.argv[1]), step), Sim(os.path.abspath(sys.argv[2]), step)
        for account in KEYS:
            for region in ("eu-west-2", "us-east-1"):
                for service, op, requests in chain(bodies(old, account, region), more_bodies(old, account, region)):
                    for body in requests:
                        a, b = (s.ask(account, region, service, op, body) for s in (old, new))
                        asked += 1
                        if not alike(a, b):
                            bad += 1
                            print("%s %s %s %s.%s %s\n  old %s\n  new %s" % (step, account, region, service, op, body, json.dumps(a)[:1500], json.dumps(b)[:1500]))
        old.end()
        new.end()
    print("%d requests, %d answers differ" % (asked, bad))
    return 1 if bad else 0


sys.exit(main())
