"""Quotes from dstack's guest agent: the enclave of a prover that runs in a confidential virtual machine of dstack.

`python -m phal2.bridge.prover --enclave phal2.bridge.prover.dstack_enclave:open_enclave …` takes its quotes from here.
Source: dstack's guest agent, `GetQuote` of `DstackGuest`: JSON over HTTP on a Unix socket.
"""

import json
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from phal2.bridge.prover.errors import NoEnclave
from phal2.node.attestation.errors import MalformedQuote
from phal2.node.attestation.quotes import parse_quote

SOCKET: Final = Path("/var/run/dstack.sock")

_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class DstackEnclave:
    """An `Enclave` behind the guest agent's socket."""

    path: Path = SOCKET

    def quote(self, report_data: bytes) -> bytes:
        """Return a raw quote over 64 bytes of report data. Raises `NoEnclave` where the guest agent gives none."""
        answer = self._ask("/GetQuote", {"report_data": report_data.hex()})
        try:
            return exact_quote(answer)
        except (KeyError, AttributeError, ValueError, MalformedQuote) as error:
            raise NoEnclave(f"dstack's guest agent at {self.path} answered with no quote: {error!r}") from error

    def _ask(self, target: str, content: dict[str, str]) -> dict[str, str]:
        connection = _UnixConnection(self.path)
        try:
            connection.request("POST", target, json.dumps(content), {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read(_LONGEST_ANSWER + 1)
            if response.status != 200 or len(body) > _LONGEST_ANSWER:
                raise NoEnclave(
                    f"dstack's guest agent at {self.path} answered with status {response.status} and {len(body)} bytes"
                )
            answer = json.loads(body)
        except (OSError, HTTPException, ValueError) as error:
            raise NoEnclave(
                f"dstack's guest agent at {self.path} cannot be asked ({error}); this program must run in a "
                "confidential virtual machine of dstack, with the socket mounted"
            ) from error
        finally:
            connection.close()
        return answer if isinstance(answer, dict) else {}


def exact_quote(answer: dict[str, str]) -> bytes:
    """Return the quote of an answer to GetQuote, without what hosts pad it with.

    Raises `KeyError`, `AttributeError`, `ValueError` or `MalformedQuote`.
    """
    raw = bytes.fromhex(answer["quote"].removeprefix("0x"))
    return raw[: parse_quote(raw).length]


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def open_enclave(_configuration: bytes) -> DstackEnclave:
    """Return the enclave that this program runs in. What is configured is measured with the compose file."""
    return DstackEnclave()
