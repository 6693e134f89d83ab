#!/usr/bin/env python3
"""Print tests/unit/net/aws_endpoint_cases.txt: where botocore's own rules place each service.

Run with botocore 1.43 after it has moved a host: tests/tools/aws_endpoints.py >
tests/unit/net/aws_endpoint_cases.txt. Health is left out: opsdeck differs there on purpose.
"""
import botocore
import botocore.session
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError

SERVICES = """acm apigateway apigatewayv2 application-autoscaling athena autoscaling backup batch ce
cloudformation cloudfront cloudtrail cloudwatch codebuild codedeploy codepipeline config dynamodb ec2
ecr ecs efs eks elasticache elb elbv2 events firehose guardduty iam kinesis kms lambda logs opensearch
rds resource-groups resourcegroupstaggingapi route53 s3 secretsmanager securityhub service-quotas ses
sesv2 sns sqs ssm sso sso-oidc stepfunctions sts synthetics wafv2 xray""".split()
REGIONS = ["eu-west-2", "us-east-1", "cn-north-1", "us-gov-west-1", "us-gov-east-1"]
VARIANTS = {"plain": (False, False), "fips": (True, False), "dual": (False, True), "both": (True, True)}


def cases(session, service):
    loader = session.get_component("data_loader")
    model = session.get_service_model(service)
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    for region in REGIONS:
        for variant, (fips, dual) in VARIANTS.items():
            if variant == "both" and region.startswith("cn-"):
                continue  # China has no FIPS endpoints; the rules make up names
            ask = {"Region": region, "UseFIPS": fips, "UseDualStack": dual}
            ask.update({"UseGlobalEndpoint": False, "ForcePathStyle": False})
            try:
                found = provider.resolve_endpoint(**{k: v for k, v in ask.items() if k in rules["parameters"]})
            except BotoCoreError:
                yield service, region, variant, "none", "-", "-"
                continue
            auth = (found.properties.get("authSchemes") or [{}])[0]
            yield (service, region, variant, found.url, auth.get("signingName", model.signing_name),
                   auth.get("signingRegion", region))


def main():
    session = botocore.session.get_session()
    print(f"# Made by tests/tools/aws_endpoints.py with botocore {botocore.__version__}; do not edit.")
    print("# service region variant url signing-name signing-region; none: the rules refuse it")
    for service in SERVICES:
        for case in cases(session, service):
            print(*case)


main()
