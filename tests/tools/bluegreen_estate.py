#!/usr/bin/env python3
"""An estate of DoS Integration in two accounts for tests: moto's server in this process, seeded with boto3.

  bluegreen_estate.py [--parent-dies] [--truth FILE]
prints "PORT n" once it is seeded; FILE gets what boto3 reads back of links and queues. Names and counts are those of DoS Integration.
Account A: live (linked, one before it, one green), cicd-release (two linked), demo (nothing linked, five events wait), and the
tools. Account B, through its role: cicd-test (linked), test (link disabled), release (no application). States and executions of
pipelines are left out, which moto 5.2 has not: a test that needs them has the front answer.
"""
import argparse
import json
import os
import sys
import threading
import time

from aws_estate import ACCOUNT_A, ACCOUNT_B, KEY_A, REGION, THINGS, Seed, assume_b, pages
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

REGION2 = "us-east-1"
P = "uec-dos-int-"
NEW_VERSION = "f5f5f5f"
LOCK_TABLE, STATE_BUCKET = "lock-table", "state-store"
CANARY_HOOK = "canary-slack-hook-41d7c0"
CANARY_PASSWORD = "canary-database-password-8e2b"
BUILDS = ["deploy-blue-green-environment-stage", "deploy-shared-resources-environment-stage", "blue-green-rollback-stage", "trigger-rollback",
          "delete-blue-green-environment", "build-cicd-blue-green-artefact", "build-cicd-shared-resources-artefact"]
PIPELINES = ["development-pipeline", "cicd-blue-green-deployment-pipeline", "cicd-shared-resources-deployment-pipeline"]
LAMBDA_NAMES = ["Change Event DLQ Handler", "DoS DB Update DLQ Handler", "Event Replay", "Ingest Change Event", "Send Email", "Service Matcher",
                "Service Sync", "Slack Messenger", "Quality Checker"]
LINK_ALARMS = [n + " Error Rate" for n in LAMBDA_NAMES] + [
    "Invalid Postcode", "Invalid Opening Times", "Holding Queue Message DLQ'd", "Update Requests DLQ'd", "High Number of Change Events received",
    "Update Requests Waiting", "Failed Emails", "Average Message Latency", "Maximum Message Latency",
    "DoS Palliative Care Z Code Does Not Exist !!!", "DoS Blood Pressure Z Code Does Not Exist !!!",
    "DoS Contraception Z Code Does Not Exist !!!", "Quality Checker Has Completed", "Quality Checker Has Errorred",
    "Quality Checker Schedule Failed Invocation"]
CORE_ALARMS = ["DI 4XX Endpoint Errors", "DI 5XX Endpoint Errors", "Change Events DLQ'd", "Change Events Waiting"]
WAF_ALARMS = ["WAF %s Blocked Requests" % n for n in ("IP Allow List", "Rate Limit", "AWS Managed Rules Common", "Non GB", "AWS Managed Known Bad Inputs",
                                                      "AWS Managed SQL Injection", "AWS Managed IP Reputation List")] + [
    "WAF Custom SQL Injection Count Requests"]
HEALTH_ALARM = "DI Endpoint Route 53 Health Checks Failing"


class Estate(Seed):
    """One account."""

    def __init__(self, url, keys, account):
        super().__init__(url, keys)
        self.account, self.runner = account, self.role()

    def arn(self, service, name, region=REGION):
        return "arn:aws:%s:%s:%s:%s" % (service, region, self.account, name)

    # -- what is shared
    def shared(self, name, has_waf, waiting=0):
        key = self.c("kms").create_key()["KeyMetadata"]["KeyId"]
        self.c("kms").create_alias(AliasName="alias/%s%s-signing-key-alias" % (P, name), TargetKeyId=key)
        self.queue(name + "-change-event-queue", key, name + "-change-event-dead-letter-queue", waiting)
        self.c("dynamodb").create_table(
            TableName="%s%s-change-events" % (P, name), BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}, {"AttributeName": "ODSCode", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("Id", "ODSCode")])
        self.gateway(name)
        self.topics(name + "-shared-resources")
        self.alarms(name, CORE_ALARMS + (WAF_ALARMS if has_waf else []))
        self.alarms(name, [HEALTH_ALARM], REGION2)
        return key

    def queue(self, name, key, dead, waiting=0):
        sqs, fixed = self.c("sqs"), {"FifoQueue": "true", "ContentBasedDeduplication": "true", "KmsMasterKeyId": key}
        sqs.create_queue(QueueName=P + dead + ".fifo", Attributes=fixed)
        redrive = json.dumps({"deadLetterTargetArn": self.arn("sqs", P + dead + ".fifo"), "maxReceiveCount": 5})
        url = sqs.create_queue(QueueName=P + name + ".fifo", Attributes={**fixed, "RedrivePolicy": redrive})["QueueUrl"]
        for n in range(waiting):
            sqs.send_message(QueueUrl=url, MessageBody="event %d" % n, MessageGroupId="ODS%02d" % n)

    def gateway(self, name):
        api = self.c("apigateway")
        rest = api.create_rest_api(name=P + name + "-di-endpoint")["id"]
        root = api.get_resources(restApiId=rest)["items"][0]["id"]
        api.put_method(restApiId=rest, resourceId=root, httpMethod="POST", authorizationType="NONE")
        api.put_integration(restApiId=rest, resourceId=root, httpMethod="POST", type="MOCK")
        api.create_deployment(restApiId=rest, stageName=name)

    def topics(self, owner, subscriber=None):
        for region, end in ((REGION, "default-region"), (REGION2, "route53-health-check-alarm-region")):
            topic = self.c("sns", region).create_topic(Name="%s%s-topic-app-alerts-for-slack-%s" % (P, owner, end))["TopicArn"]
            if subscriber:
                self.c("sns", region).subscribe(TopicArn=topic, Protocol="lambda",
                                                Endpoint=self.arn("lambda", "function:%s%s-slack-messenger" % (P, subscriber)))

    def alarms(self, owner, titles, region=REGION):
        for title in titles:
            self.c("cloudwatch", region).put_metric_alarm(
                AlarmName="uec-dos-int | %s | %s" % (owner, title), Namespace="uec-dos-int", MetricName="m", Statistic="Sum", Period=60,
                EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold")

    # -- what is replaced
    def application(self, env, shared, key, age_days):
        """Ten functions, four queues, two topics; made so many days ago."""
        for thing in THINGS:
            variables = {"ENVIRONMENT": env, "SHARED_ENVIRONMENT": shared, "IMAGE_VERSION": "tag-of-" + env, "DB_PASSWORD": CANARY_PASSWORD}
            if thing == "slack-messenger":
                variables["SLACK_WEBHOOK_URL"] = "https://chat.example.invalid/" + CANARY_HOOK
            self.c("lambda").create_function(
                FunctionName="%s%s-%s" % (P, env, thing), Role=self.runner, PackageType="Image", Timeout=30, MemorySize=128,
                Code={"ImageUri": "%s.dkr.ecr.%s.amazonaws.com/uec-dos/int/%s:tag-of-%s" % (ACCOUNT_A, REGION, thing, env)},
                KMSKeyArn=self.arn("kms", "key/" + key), Environment={"Variables": variables})
        self.queue(env + "-holding-queue", key, env + "-holding-queue-dead-letter-queue")
        self.queue(env + "-update-request-queue", key, env + "-update-request-dead-letter-queue")
        holding = sqs_backends[self.account][REGION].queues["%s%s-holding-queue.fifo" % (P, env)]
        holding.created_timestamp = int(time.time()) - age_days * 86400  # boto3 cannot choose it
        self.topics(env, env)

    def mappings(self, env, shared, enabled=True):
        """Queues that hold nothing only: a message in a mapped queue starts a container runtime."""
        for queue, thing in (("queue", "ingest-change-event"), ("dead-letter-queue", "change-event-dlq-handler")):
            self.c("lambda").create_event_source_mapping(
                EventSourceArn=self.arn("sqs", "%s%s-change-event-%s.fifo" % (P, shared, queue)), FunctionName="%s%s-%s" % (P, env, thing),
                BatchSize=1, Enabled=enabled)

    def link(self, env, shared, previous, enabled=True):
        """What the link stack makes."""
        self.mappings(env, shared, enabled)
        self.topics(shared + "-shared-resources", env)
        self.alarms(env, LINK_ALARMS)
        self.c("events").put_rule(Name="%s%s-quality-checker-schedule" % (P, env), ScheduleExpression="cron(30 4 ? * MON *)")
        self.dashboard(shared, env, previous)

    def dashboard(self, shared, env, previous):
        body = {"variables": [{"type": "pattern", "id": "CloudWatchVersionVariable", "defaultValue": env,
                               "values": [{"value": n, "label": n} for n in (env, previous)]}], "widgets": []}
        self.c("cloudwatch").put_dashboard(DashboardName="%s%s-monitoring-dashboard" % (P, shared), DashboardBody=json.dumps(body))

    # -- once in an account
    def around(self, *groups):
        self.c("dynamodb").create_table(TableName=LOCK_TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
                                        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}])
        for group in groups:
            for name in ("%s%s/deployment" % (P, group), "%s%s-ip-addresses-allowlist" % (P, group)):
                self.c("secretsmanager").create_secret(Name=name, SecretString=CANARY_PASSWORD)

    def tools(self):
        source = {"type": "S3", "location": "artifacts/repository.zip"}
        for name in BUILDS:
            self.c("codebuild").create_project(
                name=P + "dev-" + name, source=source, artifacts={"type": "NO_ARTIFACTS"}, serviceRole=self.runner,
                environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"})
        self.c("codebuild").start_build(projectName=P + "dev-build-cicd-blue-green-artefact")
        role = self.c("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}))["Role"]["Arn"]
        stages = [{"name": n, "actions": [{"name": n, "actionTypeId": {"category": n, "owner": "AWS", "provider": provider, "version": "1"},
                                           "configuration": {"S3Bucket": "artifacts", "S3ObjectKey": "repository.zip"}}]}
                  for n, provider in (("Source", "S3"), ("Build", "CodeBuild"))]
        for name in PIPELINES:
            self.c("codepipeline").create_pipeline(pipeline={"name": P + "dev-" + name, "roleArn": role, "version": 1, "stages": stages,
                                                             "artifactStore": {"type": "S3", "location": "artifacts"}})
        self.c("ssm").put_parameter(Name=P + "dev-blue-green-deployment-new-version", Value=NEW_VERSION, Type="String")

    def truth(self):
        urls = pages(self.c("sqs"), "list_queues", "QueueUrls")
        depth = {u.rsplit("/", 1)[1]: self.c("sqs").get_queue_attributes(QueueUrl=u, AttributeNames=["All"])["Attributes"] for u in urls}
        mappings = pages(self.c("lambda"), "list_event_source_mappings", "EventSourceMappings")
        return {"links": sorted([m["EventSourceArn"].rsplit(":", 1)[1], m["FunctionArn"].rsplit(":", 1)[1], m["State"]] for m in mappings),
                "waiting": {n: int(a["ApproximateNumberOfMessages"]) for n, a in depth.items()}}


def seed(url):
    a, b = Estate(url, KEY_A, ACCOUNT_A), Estate(url, assume_b(url), ACCOUNT_B)
    a.around("live", "demo")
    key = a.shared("live", True)
    for env, age_days in (("a0a0a0a-live", 60), ("b1b1b1b-live", 30), ("c2c2c2c-live", 1)):
        a.application(env, "live", key, age_days)
    a.link("b1b1b1b-live", "live", "a0a0a0a-live")
    key = a.shared("cicd-release", True)
    for env, age_days in (("b1b1b1b-demo", 31), ("c2c2c2c-demo", 2)):
        a.application(env, "cicd-release", key, age_days)
        a.link(env, "cicd-release", "NA")
    key = a.shared("demo", True, waiting=5)
    a.application("e1e1e1e-demo", "demo", key, 9)
    a.dashboard("demo", "e1e1e1e-demo", "d0d0d0d-demo")
    a.tools()
    b.around("dev")
    for shared, env, enabled in (("cicd-test", "c2c2c2c-dev", True), ("test", "d3d3d3d-dev", False)):
        key = b.shared(shared, False)
        b.application(env, shared, key, 3)
        b.link(env, shared, "NA", enabled)
    b.shared("release", False)
    return {ACCOUNT_A: a.truth(), ACCOUNT_B: b.truth()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    facts = seed("http://127.0.0.1:%d" % port)
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
