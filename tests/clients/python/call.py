"""Calls of the client, one for each line of its input: a JSON list of method, arguments, and arguments by name.

Each is answered by a line: {"gave": ...}, or {"failed": the kind of error, "why": what it says}. A host is given as what its attributes
and methods say.
"""

import json
import logging
import sys

from mackerel.client import Client
from mackerel.host import Host

ATTRIBUTES = ("id", "name", "type", "status", "memo", "meta", "roles", "interfaces", "is_retired", "created_at")


def plain(value):
    """What JSON can say of a value."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Host):
        told = {name: getattr(value, name) for name in ATTRIBUTES}
        return {**told, "ip_addr": value.ip_addr(), "mac_addr": value.mac_addr(), "repr": repr(value)}
    return value


def main():
    origin, key = sys.argv[1:]
    client = Client(mackerel_origin=origin, mackerel_api_key=key, logger=logging.getLogger("quiet"))
    for line in sys.stdin:
        method, arguments, named = json.loads(line)
        try:
            answer = {"gave": plain(getattr(client, method)(*arguments, **named))}
        except Exception as error:  # Whatever it is, the test judges it.
            answer = {"failed": type(error).__name__, "why": str(error)}
        print(json.dumps(answer), flush=True)


main()
