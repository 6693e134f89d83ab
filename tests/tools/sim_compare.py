#!/usr/bin/env python3
"""Two builds of opsdeck-sim side by side: the same signed requests, at each step and variant of the story, must get the same answers.
Usage: sim_compare.py OLD NEW [STEP...]   (asks the operations whose answers are data; JSON is compared as values, times with a second's tolerance)"""
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = {"100000000001": ("AKIDDEMOMGMT00000001", "demo-secret-of-the-management-account-01"),
        "200000000002": ("AKIDDEMONONPROD00001", "demo-secret-of-the-nonprod-account-00001"),
        "300000000003": ("AKIDDEMOPROD00000001", "demo-secret-of-the-production-account-01")}
TARGETS = {"sqs": ("AmazonSQS", "1.0"), "secretsmanager": ("secretsmanager", "1.1"), "kms": ("TrentService", "1.1"), "wafv2": ("AWSWAF_20190729", "1.1"),
           "ecr": ("AmazonEC2ContainerRegistry_V20150921", "1.1"), "ecs": ("AmazonEC2ContainerServiceV20141113", "1.1"),
           "codedeploy": ("CodeDeploy_20141006", "1.1")}
STEPS = ["0", "75", "120", "141", "200", "251", "300", "400", "600", *("V%d" % n for n in range(1, 13))]


class Sim:
    def __init__(self, binary, step):
        self.p = subprocess.Popen([binary, "--once-ready", "--with-parent", "--at", step, "--repositories", "1"], stdout=subprocess.PIPE, text=True)
        self.url = self.p.stdout.readline().split()[-1]

    def ask(self, account, region, service, op, body):
        key = Credentials(*KEYS[account])
        path, headers, method, data = "/", {}, "POST", json.dumps(body)
        if service == "ses":
            path, method, data = "/v2/email/account", "GET", None
        else:
            headers = {"X-Amz-Target": TARGETS[service][0] + "." + op, "Content-Type": "application/x-amz-json-" + TARGETS[service][1]}
        rq = AWSRequest(method=method, url=self.url + path, data=data, headers=headers)
        SigV4Auth(key, service, region).add_auth(rq)
        try:
            with urllib.request.urlopen(urllib.request.Request(rq.url, data and data.encode(), dict(rq.headers), method=method)) as r:
                status, query, text = r.status, r.headers.get("x-amzn-query-error"), r.read()
        except urllib.error.HTTPError as e:
            status, query, text = e.code, e.headers.get("x-amzn-query-error"), e.read()
        return status, query, json.loads(text)

    def end(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


def alike(a, b):
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


def main():
    asked, bad = 0, 0
    for step in sys.argv[3:] or STEPS:
        old, new = Sim(os.path.abspath(sys.argv[1]), step), Sim(os.path.abspath(sys.argv[2]), step)
        for account in KEYS:
            for region in ("eu-west-2", "us-east-1"):
                for service, op, requests in bodies(old, account, region):
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
