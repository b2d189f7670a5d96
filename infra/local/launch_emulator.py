"""Starts MiniStack with small delays taken out of its Lambda Runtime API.

Python's http.server sends a reply's headers and body as two packets; with Nagle's algorithm on, the second waits about
40 ms for the function to acknowledge the first. That wait would be on every invocation, and twice on every request that
passes the authorizer. Invariant: nothing about the emulator's answers changes, only when they leave.
"""

import socketserver
import sys

socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def main() -> None:
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
