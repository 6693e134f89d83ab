#!/usr/bin/env python3
"""An AWS estate of two accounts for tests: moto's server in this process, seeded with boto3.

  aws_estate.py [--small] [--parent-dies] [--truth FILE]
prints "PORT n" once it is seeded; FILE gets the JSON of what boto3 reads back: the truth that a poll must match.
Account A (moto's own) holds nearly all; account B, reached through the role opsdeck-readonly, some functions and queues.
Left out because moto 5.2 has no such thing: Health, pipeline states and executions, alarm history, X-Ray summaries,
SSO, the SES account.
"""
import argparse
import io
import json
import os
import sys
import threading
import time
import zipfile

import boto3
import botocore.config
from moto.cloudwatch.models import cloudwatch_backends
from moto.server import ThreadedMotoServer

REGION = "eu-west-2"
ACCOUNT_A, ACCOUNT_B = "123456789012", "210987654321"
ROLE_B = "arn:aws:iam::%s:role/opsdeck-readonly" % ACCOUNT_B
KEY_A = ("AKIAOPSDECKTESTAAAAA", "test/secret+key/of/account+a/0123456789abcdef")
CANARY_ENV = "canary-lambda-environment-5f1c9e77"
CANARY_SSM = "canary-parameter-value-90b2d4aa"
THINGS = ["change-event-dlq-handler", "dos-db-handler", "dos-db-update-dlq-handler", "event-replay", "ingest-change-event", "send-email",
          "service-matcher", "service-sync", "slack-messenger", "quality-checker"]
QUEUES = ["change-event", "holding", "update-request"]


def client(url, service, keys=KEY_A, region=REGION):
    """boto3's client; keys: (id, secret) or (id, secret, token)."""
    config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=30)
    return boto3.client(service, endpoint_url=url, region_name=region, config=config, aws_access_key_id=keys[0],
                        aws_secret_access_key=keys[1], aws_session_token=keys[2] if len(keys) > 2 else None)


def assume_b(url, session="estate"):
    c = client(url, "sts").assume_role(RoleArn=ROLE_B, RoleSessionName=session)["Credentials"]
    return c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]


def tiny_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("main.py", "def handler(event, context):\n    return 1\n")
    return out.getvalue()


class Seed:
    """One account of the estate."""

    def __init__(self, url, keys):
        self.url, self.keys, self.clients = url, keys, {}

    def c(self, service, region=REGION):
        if (service, region) not in self.clients:
            self.clients[service, region] = client(self.url, service, self.keys, region)
        return self.clients[service, region]

    def role(self):
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                                     "Principal": {"Service": "lambda.amazonaws.com"}}]})
        return self.c("iam").create_role(RoleName="runner", AssumeRolePolicyDocument=policy)["Role"]["Arn"]

    def functions(self, envs):
        role, code = self.role(), tiny_zip()
        for env in envs:
            for thing in THINGS:
                self.c("lambda").create_function(
                    FunctionName="uec-dos-int-%s-%s" % (env, thing), Runtime="python3.12", Role=role, Handler="main.handler",
                    Code={"ZipFile": code}, Timeout=30, MemorySize=128,
                    Environment={"Variables": {"ENVIRONMENT": env, "DB_PASSWORD": CANARY_ENV}})

    def queues(self, env, names=QUEUES, depth=0):
        for i, name in enumerate(names):
            base = "uec-dos-int-%s-%s" % (env, name)
            dlq = self.c("sqs").create_queue(QueueName=base + "-dead-letter-queue.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
            arn = self.c("sqs").get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            url = self.c("sqs").create_queue(QueueName=base + "-queue.fifo", Attributes={
                "FifoQueue": "true", "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})})["QueueUrl"]
            for n in range(depth * i):
                self.c("sqs").send_message(QueueUrl=url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId=str(n))
            if depth and i == 1:
                self.c("sqs").send_message(QueueUrl=dlq, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d")

    def mappings(self, env, shared):
        """Queues that hold nothing only: a message in a mapped queue starts a container runtime."""
        arn = "arn:aws:sqs:%s:%s:uec-dos-int-%s-change-event-" % (REGION, ACCOUNT_A, shared)
        for queue, thing, enabled in (("queue.fifo", "ingest-change-event", True), ("dead-letter-queue.fifo", "change-event-dlq-handler", False)):
            self.c("lambda").create_event_source_mapping(EventSourceArn=arn + queue, FunctionName="uec-dos-int-%s-%s" % (env, thing),
                                                         BatchSize=1, Enabled=enabled)

    def alarms(self, env, count):
        cw = self.c("cloudwatch")
        for i in range(count):
            name = "uec-dos-int | %s | alarm %03d" % (env, i)
            cw.put_metric_alarm(AlarmName=name, Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=60, EvaluationPeriods=1,
                                Threshold=float(i), ComparisonOperator="GreaterThanThreshold", ActionsEnabled=i % 10 != 9,
                                Dimensions=[{"Name": "FunctionName", "Value": "uec-dos-int-%s-send-email" % env}])
            if i % 3:
                cw.set_alarm_state(AlarmName=name, StateValue="OK" if i % 3 == 1 else "ALARM", StateReason="Threshold Crossed: 1 datapoint")
        backend = cloudwatch_backends[ACCOUNT_A][REGION]  # moto lists composite alarms but has no PutCompositeAlarm
        for i in range(3):
            backend.put_metric_alarm(
                name="uec-dos-int | %s | composite %d" % (env, i), rule='ALARM("uec-dos-int | %s | alarm %03d")' % (env, i), namespace=None,
                metric_name=None, comparison_operator=None, evaluation_periods=None, period=None, threshold=None, statistic=None,
                description="", dimensions=[], alarm_actions=[])

    def pipelines(self):
        artifact = {"type": "S3", "location": "artifacts"}
        action = {"name": "Source", "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
                  "outputArtifacts": [{"name": "src"}], "configuration": {"S3Bucket": "artifacts", "S3ObjectKey": "src.zip"}}
        build = {"name": "Build", "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
                 "inputArtifacts": [{"name": "src"}], "configuration": {"ProjectName": "uec-dos-int-build-0"}}
        role = self.c("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}))["Role"]["Arn"]
        for i in range(5):
            self.c("codepipeline").create_pipeline(pipeline={
                "name": "uec-dos-int-pipeline-%d" % i, "roleArn": role, "artifactStore": artifact, "version": 1,
                "stages": [{"name": "Source", "actions": [action]}, {"name": "Build", "actions": [build]}]})
        for i in range(6):
            self.c("codebuild").create_project(
                name="uec-dos-int-build-%d" % i, source={"type": "S3", "location": "artifacts/src.zip"}, artifacts={"type": "NO_ARTIFACTS"},
                environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
                serviceRole=role)
        self.c("codebuild").start_build(projectName="uec-dos-int-build-0")

    def data(self):
        for i in range(8):
            self.c("ssm").put_parameter(Name="/uec-dos-int/live/setting-%d" % i, Value="value-%d" % i, Type="String")
        self.c("ssm").put_parameter(Name="/uec-dos-int/live/secret", Value=CANARY_SSM, Type="SecureString")
        self.c("secretsmanager").create_secret(Name="uec-dos-int/live/db", SecretString=CANARY_SSM)
        db = self.c("dynamodb")
        db.create_table(TableName="change-events", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
        for start in range(0, 250, 25):
            db.batch_write_item(RequestItems={"change-events": [{"PutRequest": {"Item": {
                "id": {"S": "item-%03d" % i}, "name": {"S": "name %d" % i}, "state": {"S": ["ok", "warn", "crit"][i % 3]},
                "padding": {"S": "x" * 6000}}}} for i in range(start, start + 25)]})

    def compute(self):
        self.c("rds").create_db_instance(DBInstanceIdentifier="uec-dos-int-live-db", DBInstanceClass="db.t3.small", Engine="postgres",
                                         MasterUsername="tester", MasterUserPassword="not-a-real-password", AllocatedStorage=20)
        ec2, lb = self.c("ec2"), self.c("elbv2")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        machines = ec2.run_instances(ImageId=ec2.describe_images()["Images"][0]["ImageId"], MinCount=2, MaxCount=2)["Instances"]
        for i in range(3):
            arn = lb.create_target_group(Name="uec-dos-int-tg-%d" % i, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
            lb.register_targets(TargetGroupArn=arn, Targets=[{"Id": m["InstanceId"]} for m in machines[:i]])
        ecs = self.c("ecs")
        ecs.create_cluster(clusterName="uec-dos-int-live")
        ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "web:1", "memory": 64}])
        for i in range(13):
            ecs.create_service(cluster="uec-dos-int-live", serviceName="service-%02d" % i, taskDefinition="web", desiredCount=i % 3)

    def edge(self):
        visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
        for scope, region in (("REGIONAL", REGION), ("CLOUDFRONT", "us-east-1")):
            self.c("wafv2", region).create_web_acl(Name="uec-dos-int-%s" % scope.lower(), Scope=scope, DefaultAction={"Allow": {}},
                                                   VisibilityConfig=visible, Rules=[])
        for i in range(3):
            self.c("route53", "us-east-1").create_health_check(CallerReference="ref-%d" % i, HealthCheckConfig={
                "Type": "HTTPS", "FullyQualifiedDomainName": "live-%d.example.com" % i, "Port": 443, "ResourcePath": "/health"})
        self.c("cloudfront", "us-east-1").create_distribution(DistributionConfig={
            "CallerReference": "r", "Comment": "live", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com", "CustomOriginConfig": {
                "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "MinTTL": 0,
                                     "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}}})
        for i in range(3):
            self.c("acm").request_certificate(DomainName="live-%d.example.com" % i, ValidationMethod="DNS")
        api = self.c("apigateway")
        rest = api.create_rest_api(name="uec-dos-int-api")["id"]
        root = api.get_resources(restApiId=rest)["items"][0]["id"]
        api.put_method(restApiId=rest, resourceId=root, httpMethod="GET", authorizationType="NONE")
        api.put_integration(restApiId=rest, resourceId=root, httpMethod="GET", type="MOCK")
        api.create_deployment(restApiId=rest, stageName="live")
        self.c("s3").create_bucket(Bucket="opsdeck-odd-keys", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.c("cloudwatch").put_dashboard(DashboardName="uec-dos-int-live", DashboardBody=json.dumps({"widgets": [
            {"type": "metric", "properties": {"title": "Errors", "region": REGION, "metrics": [["AWS/Lambda", "Errors"]]}}]}))


def pages(c, operation, key, **kw):
    """All pages by boto3's paginator, or the one answer where it has none."""
    if not c.can_paginate(operation):
        return getattr(c, operation)(**kw)[key]
    return [v for page in c.get_paginator(operation).paginate(**kw) for v in page.get(key, [])]


def truth(s):
    """What boto3 reads back from one account."""
    urls = pages(s.c("sqs"), "list_queues", "QueueUrls")
    attributes = {u.rsplit("/", 1)[1]: s.c("sqs").get_queue_attributes(QueueUrl=u, AttributeNames=["All"])["Attributes"] for u in urls}
    cw = s.c("cloudwatch")
    kinds = ["MetricAlarm", "CompositeAlarm"]
    alarms = pages(cw, "describe_alarms", "MetricAlarms", AlarmTypes=kinds) + pages(cw, "describe_alarms", "CompositeAlarms", AlarmTypes=kinds)
    tables = {t: s.c("dynamodb").describe_table(TableName=t)["Table"]["ItemCount"] for t in pages(s.c("dynamodb"), "list_tables", "TableNames")}
    items = {t: pages(s.c("dynamodb"), "scan", "Items", TableName=t) for t in tables}
    clusters = pages(s.c("ecs"), "list_clusters", "clusterArns")
    groups = pages(s.c("elbv2"), "describe_target_groups", "TargetGroups")
    health = s.c("elbv2").describe_target_health
    return {
        "functions": {f["FunctionName"]: f.get("State") for f in pages(s.c("lambda"), "list_functions", "Functions")},
        "mappings": {m["UUID"]: m["State"] for m in pages(s.c("lambda"), "list_event_source_mappings", "EventSourceMappings")},
        "queues": attributes, "alarms": {a["AlarmName"]: a["StateValue"] for a in alarms}, "tables": tables,
        "items": {t: {i["id"]["S"]: i["state"]["S"] for i in v} for t, v in items.items()},
        "pipelines": sorted(p["name"] for p in pages(s.c("codepipeline"), "list_pipelines", "pipelines")),
        "projects": sorted(pages(s.c("codebuild"), "list_projects", "projects")),
        "parameters": {p["Name"]: p["Type"] for p in pages(s.c("ssm"), "describe_parameters", "Parameters")},
        "secrets": sorted(x["Name"] for x in pages(s.c("secretsmanager"), "list_secrets", "SecretList")),
        "databases": {d["DBInstanceIdentifier"]: d["DBInstanceStatus"] for d in pages(s.c("rds"), "describe_db_instances", "DBInstances")},
        "services": {c.rsplit("/", 1)[1]: sorted(a.rsplit("/", 1)[1] for a in pages(s.c("ecs"), "list_services", "serviceArns", cluster=c))
                     for c in clusters},
        "targets": {g["TargetGroupName"]: [t["TargetHealth"]["State"] for t in health(TargetGroupArn=g["TargetGroupArn"])["TargetHealthDescriptions"]]
                    for g in groups},
        "health_checks": sorted(h["Id"] for h in pages(s.c("route53", "us-east-1"), "list_health_checks", "HealthChecks")),
        "certificates": {c["CertificateArn"]: c["Status"] for c in pages(s.c("acm"), "list_certificates", "CertificateSummaryList")},
        "web_acls": sorted(w["Name"] for w in s.c("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]),
    }


def seed(url, small=False):
    a = Seed(url, KEY_A)
    a.functions(["%07x" % (0xb1c0de0 + i) for i in range(3 if small else 32)])
    for i, env in enumerate(["live", "demo"]):
        a.queues(env, depth=2 if i == 0 else 0)
    a.mappings("b1c0de0", "live")
    a.alarms("b1c0de0", 12 if small else 130)
    a.pipelines()
    a.data()
    a.compute()
    a.edge()
    b = Seed(url, assume_b(url))
    b.functions(["prod"])
    for n in range(5):
        b.c("lambda").create_function(FunctionName="second-account-%d" % n, Runtime="python3.12", Handler="main.handler",
                                      Role="arn:aws:iam::%s:role/runner" % ACCOUNT_B, Code={"ZipFile": tiny_zip()})
    b.queues("prod", ["change-event", "holding"], depth=1)
    return {"a": truth(a), "b": truth(b)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--small", action="store_true", help="30 functions and 12 alarms only")
    p.add_argument("--truth", metavar="FILE")
    p.add_argument("--parent-dies", action="store_true", help="end when the starting process is gone")
    args = p.parse_args()
    if args.parent_dies:
        parent = os.getppid()

        def watch():
            while os.getppid() == parent:
                time.sleep(0.5)
            os._exit(0)
        threading.Thread(target=watch, daemon=True).start()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    facts = seed("http://127.0.0.1:%d" % port, args.small)
    if args.truth:
        with open(args.truth, "w") as f:
            json.dump(facts, f, indent=1, sort_keys=True)
    print("PORT %d" % port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
