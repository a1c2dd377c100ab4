"""What a simulated TD measures: firmware, hardware, kernel and the application, in dstack's manner.

A workload is known by its name alone: the same name always gives the same measurements, so that its hash can be put
on a policy's list. RTMR3 is extended with dstack's events (their digest: version 1 of its event log).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256, sha384
from typing import Final

DEFAULT_WORKLOAD: Final = "phal2"

_DSTACK_EVENT_TYPE: Final = 0x08000001
_COMPOSE_CONFIGURATION: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Measurements:
    """The measuring registers of a TD, 48 bytes each."""

    mr_td: bytes
    mr_config_id: bytes
    rt_mrs: tuple[bytes, bytes, bytes, bytes]


def measure(workload: str, *, bind_configuration: bool = False) -> Measurements:
    """Return the measurements of the workload with this name.

    `bind_configuration` sets mr_config_id to 0x01 ++ compose hash, as newer dstack images do; otherwise it is zero.
    """
    compose_hash = hash_of_compose(workload)
    config_id = _COMPOSE_CONFIGURATION + compose_hash if bind_configuration else b""
    return Measurements(
        mr_td=_digest("virtual firmware"),
        mr_config_id=config_id.ljust(48, b"\0"),
        rt_mrs=(
            replay([_digest("virtual hardware")]),
            replay([_digest("kernel")]),
            replay([_digest("kernel command line"), _digest("initial file system")]),
            replay(_application_events(compose_hash)),
        ),
    )


def hash_of_compose(workload: str) -> bytes:
    """Return SHA-256 of the app-compose document that the simulator deploys for a name."""
    document = {"manifest_version": 2, "name": workload, "runner": "docker-compose", "docker_compose_file": ""}
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).digest()


def _application_events(compose_hash: bytes) -> Iterable[bytes]:
    application_id = compose_hash[:20]
    instance_id = sha256(b"phal2 TEE simulator: instance of " + application_id).digest()[:20]
    events = (
        ("system-preparing", b""),
        ("app-id", application_id),
        ("compose-hash", compose_hash),
        ("instance-id", instance_id),
        ("boot-mr-done", b""),
        ("key-provider", b'{"name":"none","id":""}'),
        ("system-ready", b""),
    )
    return (event_digest(name, payload) for name, payload in events)


def event_digest(name: str, payload: bytes) -> bytes:
    """Return the digest with which dstack extends RTMR3 for an event."""
    return sha384(_DSTACK_EVENT_TYPE.to_bytes(4, "little") + b":" + name.encode() + b":" + payload).digest()


def replay(digests: Iterable[bytes]) -> bytes:
    """Return a register, zero at first, after extending it with each 48-byte digest in turn."""
    register = bytes(48)
    for digest in digests:
        register = sha384(register + digest).digest()
    return register


def _digest(part: str) -> bytes:
    return sha384(b"phal2 TEE simulator: " + part.encode()).digest()
