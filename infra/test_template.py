"""What the template promises in its first lines, checked on what CloudFormation would see.

The route table is read from shared/http/src/routes.rs as text: it is one macro with one route per line, and a line that
this cannot read fails the test rather than being skipped.
"""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "infra"))

from template import transformed, written  # noqa: E402

ROUTE = re.compile(r'^(Post|Get|Put|Patch|Delete)\s+"([^"]+)"\s*=>\s*"([a-z0-9-]+)"\s+\w+,\s*(\w+),')
ISSUER = {"TokenIssuer": "https://gatehouse.example"}


@pytest.fixture(scope="module")
def template() -> dict:
    return transformed({**ISSUER, "Hosting": "aws"})


@pytest.fixture(scope="module")
def source() -> dict:
    return written()


def of_type(template: dict, kind: str) -> dict[str, dict]:
    return {name: body["Properties"] for name, body in template["Resources"].items() if body["Type"] == kind}


def logical(value) -> str:
    """The resource that a Ref or GetAtt names."""
    if isinstance(value, dict) and "Ref" in value:
        return value["Ref"]
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        attribute = value["Fn::GetAtt"]
        return attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]
    raise AssertionError(f"not a reference: {value!r}")


def functions(source: dict) -> dict[str, str]:
    """Logical id of each function, by the binary it runs."""
    found = {}
    for name, properties in of_type(source, "AWS::Serverless::Function").items():
        match = re.fullmatch(r"\.\./target/lambda/([a-z0-9-]+)/bootstrap\.zip", properties["CodeUri"])
        assert match, f"{name} has an unexpected CodeUri"
        found[match[1]] = name
    return found


def route_table() -> set[tuple[str, str, str, bool]]:
    text = (ROOT / "shared" / "http" / "src" / "routes.rs").read_text()
    block = re.search(r"^routes! \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    assert block, "the routes! table is not where it was"
    rows = set()
    for line in filter(None, (line.strip() for line in block[1].splitlines())):
        if line.startswith("//"):
            continue
        match = ROUTE.match(line)
        assert match, f"unreadable route: {line}"
        rows.add((match[1].upper(), match[2], match[3], match[4] == "PUBLIC"))
    return rows


def test_the_api_is_exactly_the_route_table(template, source):
    by_logical = {name: binary for binary, name in functions(source).items()}
    api = of_type(template, "AWS::ApiGateway::RestApi")["Api"]
    served = set()
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            uri = json.dumps(operation["x-amazon-apigateway-integration"]["uri"])
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)
            schemes = {scheme for requirement in operation.get("security", []) for scheme in requirement}
            assert schemes in ({"Token", "api_key"}, {"NONE"}, set()), f"{method} {path}: {schemes}"
            served.add((method.upper(), path, by_logical[function[1]], "Token" not in schemes))
    assert served == route_table()


def test_what_the_gateway_answers_itself_is_right_in_both_contracts(source):
    """The COS contract's `Errors` and the Straddle contract's `error` in one body; a 401 has none."""
    types = {400: "/bad_request", 403: "/forbidden", 404: "/not_found", 413: "/bad_request", 429: "/too_many_requests"}
    responses = source["Resources"]["Api"]["Properties"]["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED"} <= set(responses)
    for kind, response in responses.items():
        template = response["ResponseTemplates"]["application/json"]
        assert response["ResponseParameters"]["Headers"]["request-id"] == "context.requestId", kind
        if response.get("StatusCode") == 401:
            assert template == "", kind
            continue
        status = response.get("StatusCode", {"DEFAULT_4XX": 400, "DEFAULT_5XX": 500}.get(kind))
        body = json.loads(template)
        assert set(body) == {"Errors", "meta", "response_type", "error"}, kind
        assert [set(error) for error in body["Errors"]] == [{"Code", "Message"}], kind
        assert (body["response_type"], body["meta"]) == ("error", {"api_request_id": "$context.requestId"}), kind
        error = body["error"]
        assert set(error) == {"status", "type", "title", "detail"}, kind
        assert (error["status"], error["type"]) == (status, types.get(status, "/internal_server_error")), kind
        assert error["detail"].rstrip(".").lower() == body["Errors"][0]["Message"], kind


def test_e_mails_leave_from_the_named_sender_alone(template):
    """A function that could send from any verified address could sign with anybody's."""
    conditions = [
        statement.get("Condition")
        for role in of_type(template, "AWS::IAM::Role").values()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if any(action.startswith("ses:") for action in as_list(statement.get("Action", [])))
    ]
    assert conditions == [{"StringEqualsIfExists": {"ses:FromAddress": {"Ref": "OtpEmailFrom"}}}] * 2


def test_binaries_and_functions_are_the_same_set(source):
    binaries = {file.stem for file in ROOT.glob("functions/*/src/bin/*.rs")}
    # Operators' commands, which run on their own machines.
    commands = {"modulus-check"}
    assert set(functions(source)) == binaries - commands
    assert commands <= binaries


def test_each_function_has_its_own_role_log_group_and_alarm(template, source):
    roles, groups, alarmed = set(), set(), set()
    for properties in of_type(template, "AWS::CloudWatch::Alarm").values():
        if properties["MetricName"] == "Errors":
            alarmed |= {logical(dimension["Value"]) for dimension in properties["Dimensions"]}
        # The authorizer's refusals are errors to Lambda, so its alarm counts what the function itself calls a failure.
        if (properties["Namespace"], properties["MetricName"]) == ("Gatehouse", "failures"):
            names = {dimension["Value"] for dimension in properties["Dimensions"] if dimension["Name"] == "function"}
            assert names == {"authorizer"}
            alarmed.add("AuthorizerFunction")
    lambdas = of_type(template, "AWS::Lambda::Function")
    for name, properties in lambdas.items():
        roles.add(logical(properties["Role"]))
        group = logical(properties["LoggingConfig"]["LogGroup"])
        groups.add(group)
        assert "RetentionInDays" in template["Resources"][group]["Properties"], name
        assert properties["TracingConfig"] == {"Mode": "Active"}, name
        assert properties["Runtime"] == "provided.al2023", name
        assert properties["Architectures"] == [{"Ref": "Architecture"}], name
    assert len(roles) == len(groups) == len(lambdas) == len(functions(source))
    assert alarmed == set(lambdas)


def statements(template: dict):
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for name, properties in of_type(template, kind).items():
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
            for document in documents:
                for statement in document["Statement"]:
                    yield name, statement["Fn::If"][1] if "Fn::If" in statement else statement


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def test_no_policy_names_a_wildcard(template):
    wild = []
    for name, statement in statements(template):
        actions = as_list(statement["Action"])
        assert not any("*" in action for action in actions), f"{name}: {actions}"
        if "NotResource" in statement:
            # A phone number has no name to give: every number and no topic. An e-mail: every sender and no template.
            but = {"sns:Publish": "sns:*:*:*", "ses:SendEmail": "ses:*:*:template/*"}[actions[0]]
            assert statement["NotResource"] == {"Fn::Sub": f"arn:${{AWS::Partition}}:{but}"}, name
        elif "*" in as_list(statement["Resource"]):
            wild.append((name, sorted(actions)))
    # X-Ray's calls have no resource to name.
    assert wild == [("WriteTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"])]


def test_roles_attach_nothing_of_amazons(template):
    for name, properties in of_type(template, "AWS::IAM::Role").items():
        assert properties.get("ManagedPolicyArns") == [{"Ref": "WriteTraces"}], name


def test_each_function_logs_to_its_own_group_only(template):
    for name, statement in statements(template):
        if any(action.startswith("logs:") for action in as_list(statement["Action"])):
            assert logical(statement["Resource"]) == name.removesuffix("Role") + "Log"


def test_every_queue_has_a_dead_letter_queue_and_alarms(template):
    queues = of_type(template, "AWS::SQS::Queue")
    watched = {"ApproximateNumberOfMessagesVisible": set(), "ApproximateAgeOfOldestMessage": set()}
    for properties in of_type(template, "AWS::CloudWatch::Alarm").values():
        if properties["MetricName"] in watched:
            watched[properties["MetricName"]] |= {logical(dimension["Value"]) for dimension in properties["Dimensions"]}
    working = {name for name in queues if not name.endswith("DeadLetters")}
    for name in working:
        target = logical(queues[name]["RedrivePolicy"]["deadLetterTargetArn"])
        assert target in set(queues) - working
        assert queues[name]["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert watched["ApproximateAgeOfOldestMessage"] == working
    assert watched["ApproximateNumberOfMessagesVisible"] == set(queues) - working
    assert all(properties["SqsManagedSseEnabled"] is True for properties in queues.values())


def test_every_consumer_can_give_up_without_losing(template):
    queues = of_type(template, "AWS::SQS::Queue")
    lagging = {
        logical(dimension["Value"])
        for properties in of_type(template, "AWS::CloudWatch::Alarm").values()
        if properties["MetricName"] == "IteratorAge"
        for dimension in properties["Dimensions"]
    }
    streaming = set()
    for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping").items():
        source = logical(mapping["EventSourceArn"])
        if source in queues:
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            assert "RedrivePolicy" in queues[source], name
        else:
            assert logical(mapping["DestinationConfig"]["OnFailure"]["Destination"]) in queues, name
            assert mapping["BisectBatchOnFunctionError"] is True, name
            assert 0 < mapping["MaximumRetryAttempts"] and 0 < mapping["MaximumRecordAgeInSeconds"], name
            streaming.add(logical(mapping["FunctionName"]))
    assert streaming and streaming == lagging
    scheduled = set()
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            assert logical(target["DeadLetterConfig"]["Arn"]) in queues, name
            scheduled.add(logical(target["Arn"]))
    asynchronous = {
        logical(properties["FunctionName"])
        for properties in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
        if logical(properties["DestinationConfig"]["OnFailure"]["Destination"]) in queues
    }
    assert scheduled and scheduled == asynchronous


def test_a_message_stays_hidden_for_six_times_its_functions_timeout(template, source):
    parameters, queues = source["Parameters"], of_type(template, "AWS::SQS::Queue")
    lambdas = of_type(template, "AWS::Lambda::Function")
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        queue = queues.get(logical(mapping["EventSourceArn"]))
        if queue:
            hidden = parameters[logical(queue["VisibilityTimeout"])]["Default"]
            assert hidden >= 6 * lambdas[logical(mapping["FunctionName"])]["Timeout"]


def test_what_is_stored_is_encrypted_recoverable_and_private(template):
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, name
        assert table["SSESpecification"]["SSEType"] == "KMS" and "KMSMasterKeyId" in table["SSESpecification"], name
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}, name
    for name, bucket in of_type(template, "AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled", name
        assert "BucketEncryption" in bucket, name
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"):
        for name in of_type(template, kind):
            assert template["Resources"][name]["DeletionPolicy"] == "Retain", name


def test_functions_get_only_variables_that_the_product_knows(template):
    settings = (ROOT / "shared" / "runtime" / "src" / "settings.rs").read_text()
    block = re.search(r"pub const VARIABLES.*?\n\];", settings, re.DOTALL)
    known = set(re.findall(r'^\s+\(?"([A-Z][A-Z_]+)"', block[0], re.MULTILINE))
    assert "CUSTOMER_TABLE" in known
    for name, properties in of_type(template, "AWS::Lambda::Function").items():
        assert set(properties["Environment"]["Variables"]) <= known, name


def test_the_gateway_speaks_the_contracts_error_shape(template):
    responses = of_type(template, "AWS::ApiGateway::RestApi")["Api"]["Body"]["x-amazon-apigateway-gateway-responses"]
    codes = set(re.findall(r"= (\d+),", (ROOT / "shared" / "http" / "src" / "cos_error.rs").read_text()))
    assert responses["UNAUTHORIZED"]["responseTemplates"] == {"application/json": ""}
    for kind, response in responses.items():
        text = response["responseTemplates"]["application/json"]
        if text:
            errors = json.loads(text)["Errors"]
            assert [sorted(error) for error in errors] == [["Code", "Message"]], kind
            assert str(errors[0]["Code"]) in codes, kind
