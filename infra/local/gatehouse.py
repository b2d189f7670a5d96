"""Runs the whole of Gatehouse on this machine: one command, several verbs.

    gatehouse.py up        build, start the emulator, deploy, seed, and say how to get a token
    gatehouse.py down      stop it
    gatehouse.py deploy    build and deploy to the one that runs
    gatehouse.py seed      create the sandbox partner's client and upload the sample watchlists, where missing
    gatehouse.py invoke    call one function with an event of events/<function>/<case>.json
    gatehouse.py logs      print a function's log lines
    gatehouse.py outbox    print e-mails and text messages that were sent, and dead letters
    gatehouse.py run       bring a bundle up, run a command with it, and stop it again

Several bundles can run side by side: `--name` tells them apart and `--port` is where each answers.
Invariant: every verb is safe to repeat.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from botocore.exceptions import BotoCoreError, ClientError

import emulator as emulators
import observe
from emulator import Emulator, EmulatorFailed
from packages import PackagingFailed, build_and_pack, function_names
from paths import EVENTS, ROOT, state_dir
from seed import SeedingFailed, seed
from stack import DeploymentFailed, client, deploy, environment_file, function_name


class Refused(Exception):
    """The command cannot be done as asked; the message says why."""


def up(arguments: argparse.Namespace) -> None:
    begun = time.monotonic()
    if not arguments.no_build:
        build_and_pack()
    bundle = emulators.running(arguments.name)
    if bundle is None:
        emulators.stop(arguments.name)
        _forget(arguments.name)
        bundle = Emulator(arguments.name, arguments.port or emulators.free_port())
        print(f"Starting the emulator on port {bundle.port} …", flush=True)
        bundle.start()
    deploy(bundle)
    environment = seed(bundle)
    print(f"Up after {time.monotonic() - begun:.1f} s.\n", flush=True)
    _explain(bundle, environment)


def down(arguments: argparse.Namespace) -> None:
    stopped = emulators.stop(arguments.name)
    _forget(arguments.name)
    print(f"{arguments.name}: {'stopped' if stopped else 'was not running'}.")


def redeploy(arguments: argparse.Namespace) -> None:
    bundle = _running(arguments)
    if not arguments.no_build:
        build_and_pack()
    deploy(bundle)


def reseed(arguments: argparse.Namespace) -> None:
    _explain(_running(arguments), seed(_running(arguments)))


def invoke(arguments: argparse.Namespace) -> None:
    bundle = _running(arguments)
    if arguments.function not in function_names():
        raise Refused(f"No function {arguments.function}. There are: {', '.join(function_names())}")
    file = EVENTS / arguments.function / f"{arguments.event}.json"
    if not file.is_file():
        cases = sorted(path.stem for path in (EVENTS / arguments.function).glob("*.json"))
        raise Refused(f"No event {file.relative_to(ROOT)}. There are: {', '.join(cases) or 'none for this function'}")
    facts = json.loads(environment_file(bundle.directory).read_text())
    begun = time.monotonic()
    answer = client(bundle, "lambda").invoke(
        FunctionName=function_name(arguments.function),
        Payload=observe.fill_event(file.read_text(), facts).encode(),
        LogType="Tail",
    )
    took = (time.monotonic() - begun) * 1000
    observe.print_answer(answer)
    print(f"{arguments.function}: {'FAILED' if 'FunctionError' in answer else 'answered'} in {took:.0f} ms", file=sys.stderr)
    if "FunctionError" in answer:
        raise SystemExit(1)


def logs(arguments: argparse.Namespace) -> None:
    observe.print_logs(_running(arguments), arguments.function, follow=arguments.follow)


def outbox(arguments: argparse.Namespace) -> None:
    bundle = _running(arguments)
    observe.print_outbox(bundle, json.loads(environment_file(bundle.directory).read_text())["outputs"])


def run(arguments: argparse.Namespace) -> None:
    """For test suites: a bundle of its own for one command, whose exit code is passed on."""
    if not arguments.command:
        raise Refused("Name the command to run after --.")
    up(arguments)
    try:
        process = subprocess.run(
            arguments.command,
            env={**os.environ, "GATEHOUSE_ENVIRONMENT": str(environment_file(state_dir(arguments.name)))},
            check=False,
        )
    finally:
        if not arguments.keep:
            down(arguments)
    raise SystemExit(process.returncode)


def _running(arguments: argparse.Namespace) -> Emulator:
    bundle = emulators.running(arguments.name)
    if bundle is None:
        raise Refused(f"{arguments.name} is not running; start it with: make up")
    return bundle


def _forget(name: str) -> None:
    """The emulator keeps nothing over a stop, so what described its content goes as well."""
    for file in ("deployed.sha256", "environment.json", "bank.json"):
        (state_dir(name) / file).unlink(missing_ok=True)


def _explain(bundle: Emulator, environment: dict) -> None:
    base, credentials = environment["baseUrl"], environment["client"]
    print(f"""Base URL   {base}
Partner    {credentials['partnerId']}
Logs       {bundle.log}

Get a token:
  curl -s {base}/connect/token \\
    -d grant_type=client_credentials -d audience=https://api.crbcos.com/ \\
    -d client_id={credentials['clientId']} -d client_secret={credentials['clientSecret']}
""", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, action, help_line: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help_line)
        added.add_argument("--name", default="dev", help="which bundle (default: dev)")
        added.set_defaults(action=action)
        return added

    for name, action, help_line in (("up", up, "build, start, deploy, seed"), ("run", run, "up, a command, down")):
        added = verb(name, action, help_line)
        added.add_argument("--port", type=int, default=0, help="where a new emulator answers (default: any free port)")
        added.add_argument("--no-build", action="store_true", help="deploy the packages there are")
        if name == "run":
            added.add_argument("--keep", action="store_true", help="leave the bundle running afterwards")
            added.add_argument("command", nargs=argparse.REMAINDER, help="the command, after --")
    verb("down", down, "stop it")
    verb("deploy", redeploy, "build and deploy").add_argument("--no-build", action="store_true")
    verb("seed", reseed, "credentials and watchlists")
    called = verb("invoke", invoke, "call a function with a sample event")
    called.add_argument("function")
    called.add_argument("event")
    logged = verb("logs", logs, "a function's log lines")
    logged.add_argument("function")
    logged.add_argument("--follow", action="store_true")
    verb("outbox", outbox, "sent messages and dead letters")
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    if getattr(arguments, "command", None) and arguments.command[0] == "--":
        arguments.command = arguments.command[1:]
    try:
        arguments.action(arguments)
    except (Refused, EmulatorFailed, PackagingFailed, DeploymentFailed, SeedingFailed) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as failure:
        print(f"The emulator refused a call: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
