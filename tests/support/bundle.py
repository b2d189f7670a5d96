"""A deployed bundle: its API for partners, and an operator's hands on its functions, tables, queues and logs.

Invariant: whatever an operator's hand changes for a test is put back when its `with` block ends.
"""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import boto3
from boto3.dynamodb.conditions import Key
from botocore.config import Config

from . import samples
from .api import Api
from .waiting import PATIENCE_SECONDS, wait_for

CUSTOMERS = "/core/v1/cm/customers"
REGISTRATIONS = "/webhooks/v1/registrations"
EVENTS = "/webhooks/v1/events"

_START = re.compile(r"START RequestId: (\S+)")
_REQUEST = re.compile(r'"request_id":"([^"]+)"')


@dataclass
class Invocation:
    """One invocation by its log: the service's frame around what the function wrote."""

    request_id: str
    written: list[str] = field(default_factory=list)

    @property
    def records(self) -> list[dict]:
        """The structured lines."""
        found = []
        for line in self.written:
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict) and "outcome" in record:
                found.append(record)
        return found


class FunctionFailed(AssertionError):
    """An invoked function ended with an error."""

    def __init__(self, function: str, payload: dict) -> None:
        super().__init__(f"{function} failed: {json.dumps(payload)}")
        self.payload = payload


@dataclass
class Partner:
    """One partner with one client of all scopes, and what tests do with it all the time."""

    bundle: "Bundle"
    id: str
    client_id: str
    client_secret: str
    _apis: dict[str | None, Api] = field(default_factory=dict, repr=False)

    def api_with(self, scope: str | None) -> Api:
        if scope not in self._apis:
            self._apis[scope] = self.bundle.api.authenticate(self.client_id, self.client_secret, scope)
            samples.private(self._apis[scope].token)
        return self._apis[scope]

    @property
    def api(self) -> Api:
        """Everything but reading in clear, which leaves an audit entry with each GET."""
        scopes = ("customers:read customers:write compliance:review webhooks:read webhooks:write "
                  "ekyc.initiate ekyc.validate ekyc.config")
        return self.api_with(scopes)

    @property
    def unmasked(self) -> Api:
        return self.api_with(None)

    def onboard(self, body: dict | None = None, **changes) -> dict:
        body = body if body is not None else samples.person(self.id, changes)
        return self.api.post(CUSTOMERS, body).expect(200)

    def customer(self, customer_id: str) -> dict:
        return self.api.get(f"{CUSTOMERS}/{customer_id}").expect(200)

    def screened(self, customer_id: str, seconds: float = PATIENCE_SECONDS) -> dict:
        """The customer once both scans have an answer."""

        def probe() -> dict | None:
            seen = self.customer(customer_id)
            return seen if "Pending" not in (seen["ofac"], seen["pepScan"]) else None

        return wait_for(f"both scans of {customer_id}", probe, seconds)

    def register(self, event_name: str, callback_url: str | None, **changes) -> dict:
        body = samples.registration(self.id, event_name, callback_url, changes)
        return self.api.post(REGISTRATIONS, body).expect(200)

    def registration(self, registration_id: str) -> dict:
        return self.api.get(f"{REGISTRATIONS}/{registration_id}").expect(200)

    def event(self, event_id: str) -> dict:
        return self.api.get(f"{EVENTS}/{event_id}").expect(200)

    def events_of(self, registration_id: str) -> list[dict]:
        """The latest events of a registration, newest first."""
        page = self.api.get(EVENTS, {"registrationId": registration_id}).expect(200)
        assert not page["hasNextPage"], "more events than one page shows"
        return page["results"]


def _writer(found: list[Invocation], line: str) -> Invocation:
    """Whose line it is. The emulator may pass an invocation's last line on after the next one's start."""
    last = found[-1]
    named = _REQUEST.search(line)
    if named is None or named[1] == last.request_id:
        return last
    return next((one for one in reversed(found) if one.request_id == named[1] and not one.records), last)


class Bundle:
    """One deployment, by the description that its start has written."""

    def __init__(self, environment_file: Path | str) -> None:
        self.environment = json.loads(Path(environment_file).read_text())
        self.base_url: str = self.environment["baseUrl"]
        self.outputs: dict[str, str] = self.environment["outputs"]
        self.api = Api(self.base_url)

    # ---- partners

    @cached_property
    def partner(self) -> Partner:
        """The seeded sandbox partner."""
        seeded = self.environment["client"]
        return Partner(self, seeded["partnerId"], seeded["clientId"], seeded["clientSecret"])

    def new_client(self, partner_id: str | None = None, **settings) -> dict:
        """A client made through the product's own door; `settings` go to client-admin as they are."""
        made = self.invoke("client-admin", {
            "action": "create",
            "partnerId": partner_id or samples.unknown_id(),
            "name": "Test partner",
            "environment": "sandbox",
            "scopes": "all",
            **settings,
        })
        samples.private(made["clientSecret"])
        return made

    def new_partner(self) -> Partner:
        partner_id = samples.unknown_id()
        made = self.new_client(partner_id)
        return Partner(self, partner_id, made["clientId"], made["clientSecret"])

    # ---- AWS

    def client(self, service: str):
        return boto3.client(service, **self._access)

    @property
    def _access(self) -> dict:
        return {
            "endpoint_url": self.environment["endpoint"],
            "region_name": self.environment["region"],
            "aws_access_key_id": self.environment["accessKeyId"],
            "aws_secret_access_key": self.environment["secretAccessKey"],
            "config": Config(retries={"max_attempts": 2}, read_timeout=320, s3={"addressing_style": "path"}),
        }

    @cached_property
    def lambdas(self):
        return self.client("lambda")

    @cached_property
    def queues(self):
        return self.client("sqs")

    @cached_property
    def logs(self):
        return self.client("logs")

    @cached_property
    def dynamodb(self):
        return self.client("dynamodb")

    @cached_property
    def customer_table(self):
        return boto3.resource("dynamodb", **self._access).Table(self.outputs["CustomerTable"])

    @cached_property
    def webhook_table(self):
        return boto3.resource("dynamodb", **self._access).Table(self.outputs["WebhookTable"])

    # ---- functions

    def name_of(self, function: str) -> str:
        return f"{self.environment['stack']}-{function}"

    def invoke(self, function: str, payload: dict):
        """Calls a function and waits for its result."""
        answer = self.lambdas.invoke(FunctionName=self.name_of(function), Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise FunctionFailed(function, body)
        return body

    @contextmanager
    def configured(self, function: str, **variables: str) -> Iterator[None]:
        """Runs with other environment variables of one function; its running sandboxes are replaced."""
        name = self.name_of(function)
        before = self.lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        self.lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **variables}})
        try:
            yield
        finally:
            self.lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": before})

    def variable(self, function: str, name: str) -> str:
        found = self.lambdas.get_function_configuration(FunctionName=self.name_of(function))
        return found["Environment"]["Variables"][name]

    def mappings(self, function: str) -> list[dict]:
        return self.lambdas.list_event_source_mappings(FunctionName=self.name_of(function))["EventSourceMappings"]

    @contextmanager
    def paused(self, function: str) -> Iterator[None]:
        """Runs while nothing is handed to this function from its queue or stream."""
        found = self.mappings(function)
        assert found, f"{function} has no event source"
        for mapping in found:
            self.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            for mapping in found:
                self.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def unscheduled(self, *functions: str) -> Iterator[None]:
        """Runs while no schedule calls these functions."""
        events, rules = self.client("events"), []
        for function in functions:
            target = self.lambdas.get_function_configuration(FunctionName=self.name_of(function))["FunctionArn"]
            found = events.list_rule_names_by_target(TargetArn=target)["RuleNames"]
            assert found, f"{function} has no schedule"
            rules += found
        for rule in rules:
            events.disable_rule(Name=rule)
        try:
            yield
        finally:
            for rule in rules:
                events.enable_rule(Name=rule)

    # ---- queues

    def send(self, queue: str, body: dict | str) -> None:
        """Puts a message on the queue of this output name."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.queues.send_message(QueueUrl=self.outputs[queue], MessageBody=text)

    def waiting_in(self, queue: str) -> int:
        """How many messages a queue holds, those being worked on included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        found = self.queues.get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)["Attributes"]
        return sum(int(found.get(name, 0)) for name in names)

    def drop_messages(self, queue: str) -> None:
        """Loses everything that waits on a queue, as a queue that was made anew would have."""
        self.queues.purge_queue(QueueUrl=self.outputs[queue])

    @contextmanager
    def visibility(self, queue: str, seconds: int) -> Iterator[None]:
        """Runs with another visibility time-out, so that an unfinished message comes again sooner."""
        url = self.outputs[queue]
        attributes = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        self.queues.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
        try:
            yield
        finally:
            self.queues.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": attributes["VisibilityTimeout"]})

    # ---- a customer's items

    def items(self, partner_id: str, customer_id: str, prefix: str) -> list[dict]:
        """The items of one kind in a customer's collection, in order."""
        condition = Key("pk").eq(f"P#{partner_id}#C#{customer_id}") & Key("sk").begins_with(prefix)
        found, start = [], {}
        while True:
            page = self.customer_table.query(KeyConditionExpression=condition, ConsistentRead=True, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def evidence(self, partner_id: str, customer_id: str) -> list[dict]:
        return self.items(partner_id, customer_id, "SCREENING#")

    def audit(self, partner_id: str, customer_id: str) -> list[dict]:
        return self.items(partner_id, customer_id, "AUDIT#")

    def check_audit(self, partner_id: str, customer_id: str) -> dict:
        """What the product's own verification says of a customer's chain."""
        return self.invoke("audit-verify", {"partnerId": partner_id, "customerId": customer_id})

    def stream_records(self, partner_id: str, customer_id: str) -> list[dict]:
        """The outbox events of a customer as the table's stream delivers them."""
        answer = self.dynamodb.query(
            TableName=self.outputs["CustomerTable"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
            ExpressionAttributeValues={":pk": {"S": f"P#{partner_id}#C#{customer_id}"}, ":event": {"S": "EVENT#"}},
            ConsistentRead=True,
        )
        # The client gives bytes where the stream has base64; events hold text and numbers only, so JSON can carry them.
        return [
            {
                "eventID": uuid.uuid4().hex,
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": self.environment["region"],
                "dynamodb": {
                    "Keys": {"pk": item["pk"], "sk": item["sk"]},
                    "NewImage": item,
                    "SequenceNumber": str(1000 + number),
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/customers/stream/repeated",
            }
            for number, item in enumerate(answer["Items"])
        ]

    # ---- deliveries

    def delivery_key(self, partner_id: str, event_id: str) -> dict:
        return {"pk": f"P#{partner_id}#E", "sk": event_id}

    def delivery(self, partner_id: str, event_id: str) -> dict:
        """A delivery as it is stored."""
        return self.webhook_table.get_item(Key=self.delivery_key(partner_id, event_id), ConsistentRead=True)["Item"]

    def let_time_pass(self, partner_id: str, event_id: str) -> None:
        """Makes a delivery due now, as it would be after its pause or its worker's lease, and has it swept up."""
        self.webhook_table.update_item(
            Key=self.delivery_key(partner_id, event_id),
            UpdateExpression="SET notBefore = :past, dueAt = :epoch REMOVE leaseUntil",
            ConditionExpression="attribute_exists(dueAt)",
            ExpressionAttributeValues={":past": 0, ":epoch": "0000000000000"},
        )
        self.sweep()

    def sweep(self) -> dict:
        """What the schedule does every minute."""
        return self.invoke("webhook-sweep", {})

    # ---- logs

    def log_groups(self) -> list[str]:
        prefix = f"/aws/lambda/{self.environment['stack']}-"
        pages = self.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    def invocations(self, group: str, since: float = 0) -> list[Invocation]:
        """Every finished invocation of a function with what it wrote; `since` in seconds."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(since * 1000))
        streams: dict[str, list[str]] = {}
        for page in pages:
            for event in page["events"]:
                streams.setdefault(event["logStreamName"], []).append(event["message"].rstrip("\n"))
        found: list[Invocation] = []
        for written in streams.values():
            for line in written:
                if match := _START.match(line):
                    found.append(Invocation(match[1]))
                elif found and not line.startswith(("END RequestId", "REPORT RequestId")):
                    _writer(found, line).written.append(line)
        return found

    def invocations_of(self, function: str, since: float = 0) -> list[Invocation]:
        return self.invocations(f"/aws/lambda/{self.name_of(function)}", since)

    def deaths(self, function: str, since: float) -> int:
        """How many invocations since then ended without a word: the process was gone before it could say one."""
        return sum(not invocation.records for invocation in self.invocations_of(function, since))
