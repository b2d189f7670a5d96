"""Deploys infra/template.yaml to a running emulator, and says where everything is.

The same two AWS commands deploy here and to an account; what the emulator needs beyond them is in `_after_deploy`, and
nothing else. Invariant: `.local/<name>/environment.json` describes the bundle that is deployed.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import boto3
import yaml
from botocore.config import Config

from emulator import Emulator
from packages import packages_digest
from paths import REGION, ROOT_KEY, ROOT_SECRET, STACK, TEMPLATE

BUCKET = "gatehouse-packages"
STAGE = "v1"
# The emulator does not need the time AWS gives a killed invocation before its message may be received again, and tests
# should not wait for it, nor for a sweep to begin. The authorizer's cache is short so that a revocation shows while somebody watches.
LOCAL_PARAMETERS = {
    "Hosting": "emulator",
    "Environment": "sandbox",
    "AuthorizerCacheSeconds": "5",
    "ScanVisibilitySeconds": "15",
    "SweepDelaySeconds": "0",
    "DeliveryVisibilitySeconds": "30",
    "CallbackAllowedNetworks": "127.0.0.0/8",
    "OtpEmailFrom": "codes@gatehouse.example",
    "RequestsPerSecond": "1000",
    "RequestBurst": "2000",
}


class DeploymentFailed(Exception):
    """A command failed; its output is in the message."""


def client(emulator: Emulator, service: str):
    """A client of the emulator with the root user's keys."""
    return boto3.client(
        service,
        endpoint_url=emulator.endpoint,
        region_name=REGION,
        aws_access_key_id=ROOT_KEY,
        aws_secret_access_key=ROOT_SECRET,
        config=Config(retries={"max_attempts": 1}, read_timeout=320, s3={"addressing_style": "path"}),
    )


def base_url(emulator: Emulator) -> str:
    return f"{emulator.endpoint}/restapis/{STACK}/{STAGE}/_user_request_"


def function_name(function: str) -> str:
    """The Lambda name of one of the workspace's binaries."""
    return f"{STACK}-{function}"


def deploy(emulator: Emulator) -> bool:
    """Brings the stack to the template and packages of the checkout; answers whether anything had to change."""
    parameters = {
        **LOCAL_PARAMETERS,
        "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
        "TokenIssuer": base_url(emulator),
    }
    wanted = hashlib.sha256(
        TEMPLATE.read_bytes() + packages_digest().encode() + json.dumps(parameters).encode()
    ).hexdigest()
    marker = emulator.directory / "deployed.sha256"
    if marker.exists() and marker.read_text() == wanted:
        print("Deployed already: nothing changed.", flush=True)
        return False
    marker.unlink(missing_ok=True)
    begun = time.monotonic()
    print("Deploying …", flush=True)
    s3 = client(emulator, "s3")
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
    packaged = emulator.directory / "packaged.yaml"
    _aws(emulator, "cloudformation", "package", "--template-file", str(TEMPLATE), "--s3-bucket", BUCKET,
         "--output-template-file", str(packaged))
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    _aws(emulator, "cloudformation", "deploy", "--template-file", str(packaged), "--stack-name", STACK,
         "--s3-bucket", BUCKET, "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
         "--no-fail-on-empty-changeset", "--parameter-overrides", *overrides)
    _after_deploy(emulator)
    _describe(emulator)
    marker.write_text(wanted)
    print(f"Deployed in {time.monotonic() - begun:.1f} s.", flush=True)
    return True


def _after_deploy(emulator: Emulator) -> None:
    """Makes up for what the emulator's import of the API leaves out or cannot do.

    It leaves the template's gateway responses out; they count for a stage from its next deployment on, exactly as on
    AWS, hence the last call. And it knows usage-plan keys from a header only, not from an authorizer, so the
    requirement of one is lifted here. It fills the authorizer's cache time with the parameter's default instead of its
    value.
    """
    template = yaml.load(TEMPLATE.read_text(), Loader=_Template)
    gateway = client(emulator, "apigateway")
    for kind, response in template["Resources"]["Api"]["Properties"]["GatewayResponses"].items():
        status = {"statusCode": str(response["StatusCode"])} if "StatusCode" in response else {}
        gateway.put_gateway_response(
            restApiId=STACK, responseType=kind, responseTemplates=response["ResponseTemplates"], **status,
            responseParameters={
                f"gatewayresponse.header.{name}": source
                for name, source in response["ResponseParameters"]["Headers"].items()
            },
        )
    for page in gateway.get_paginator("get_resources").paginate(restApiId=STACK, embed=["methods"]):
        for resource in page["items"]:
            for method, settings in resource.get("resourceMethods", {}).items():
                if settings.get("apiKeyRequired"):
                    gateway.update_method(
                        restApiId=STACK, resourceId=resource["id"], httpMethod=method,
                        patchOperations=[{"op": "remove", "path": "/apiKeyRequired"}],
                    )
    seconds = LOCAL_PARAMETERS["AuthorizerCacheSeconds"]
    for authorizer in gateway.get_authorizers(restApiId=STACK)["items"]:
        gateway.update_authorizer(
            restApiId=STACK, authorizerId=authorizer["id"],
            patchOperations=[{"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": seconds}],
        )
    gateway.create_deployment(restApiId=STACK, stageName=STAGE)


def _describe(emulator: Emulator) -> None:
    stack = client(emulator, "cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    # The stack cannot know the emulator's way of addressing an API.
    outputs["BaseUrl"] = base_url(emulator)
    write_environment(emulator, {
        "name": emulator.name,
        "endpoint": emulator.endpoint,
        "region": REGION,
        "accessKeyId": ROOT_KEY,
        "secretAccessKey": ROOT_SECRET,
        "stack": STACK,
        "baseUrl": outputs["BaseUrl"],
        "emulatorLog": str(emulator.log),
        "outputs": outputs,
    })


def environment_file(directory: Path) -> Path:
    return directory / "environment.json"


def write_environment(emulator: Emulator, facts: dict) -> None:
    """Adds facts to the description that demo and tests read."""
    file = environment_file(emulator.directory)
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, **facts}, indent=2) + "\n")


def _aws(emulator: Emulator, *arguments: str) -> None:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(emulator.directory),
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
    }
    process = subprocess.run(
        [sys.executable, "-m", "awscli", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    if process.returncode != 0:
        raise DeploymentFailed(f"aws {arguments[0]} {arguments[1]} failed:\n{process.stdout[-4000:]}")


class _Template(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, whose values are not needed here."""


_Template.add_multi_constructor("!", lambda loader, suffix, node: suffix)
