"""The prover as a program on two byte streams: a message in, a message out, until the input ends."""

import contextlib
import socketserver
from io import BufferedIOBase
from threading import BoundedSemaphore
from typing import BinaryIO, Final, TypeAlias

from phal2.bridge.prover.errors import MalformedRequest, ProverError
from phal2.bridge.prover.messages import (
    LENGTH_BYTES,
    Combine,
    Describe,
    Description,
    Quote,
    Refusal,
    decode_request,
    encode_claim,
    encode_description,
    encode_quote,
    encode_refusal,
)
from phal2.bridge.prover.proof_request import MAXIMUM_REQUEST_BYTES
from phal2.bridge.prover.prover import Prover

ByteStream: TypeAlias = BinaryIO | BufferedIOBase

MAXIMUM_CONNECTIONS: Final = 8

_IDLE_SECONDS: Final = 3_600.0


def serve(prover: Prover, requests: ByteStream, answers: ByteStream) -> None:
    """Answer one request after the other. A message that is too long ends it, as nothing after it can be found."""
    while True:
        head = requests.read(LENGTH_BYTES)
        if len(head) < LENGTH_BYTES:
            return
        length = int.from_bytes(head, "big")
        if length > MAXIMUM_REQUEST_BYTES:
            refusal = Refusal(
                MalformedRequest.__name__, f"a request of {length} bytes; at most {MAXIMUM_REQUEST_BYTES} are taken"
            )
            _write(answers, encode_refusal(refusal))
            return
        raw = requests.read(length)
        if len(raw) < length:
            return
        _write(answers, answer(prover, raw))


def listen(prover: Prover, host: str, port: int) -> socketserver.ThreadingTCPServer:
    """Bind a TCP port; `serve_forever` of what is returned serves each connection as `serve` does.

    Connections above `MAXIMUM_CONNECTIONS` and idle ones are closed. Raises `OSError`.
    """
    places = BoundedSemaphore(MAXIMUM_CONNECTIONS)

    class Connection(socketserver.StreamRequestHandler):
        timeout = _IDLE_SECONDS

        def handle(self) -> None:
            if not places.acquire(blocking=False):
                return
            try:
                # A connection that breaks or idles ends, and only it.
                with contextlib.suppress(OSError):
                    serve(prover, self.rfile, self.wfile)
            finally:
                places.release()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    return Server((host, port), Connection)


def answer(prover: Prover, raw: bytes) -> bytes:
    """Return the answer to the bytes of a request. Whatever they are, it raises nothing."""
    try:
        request = decode_request(raw)
        if isinstance(request, Describe):
            return encode_description(Description(prover.address, prover.config_hash))
        if isinstance(request, Quote):
            return encode_quote(prover.quote(request.registry))
        if isinstance(request, Combine):
            return encode_claim(prover.combine(request.claims))
        return encode_claim(prover.prove(request))
    except ProverError as error:
        return encode_refusal(Refusal(type(error).__name__, str(error)))
    except Exception as error:  # whatever a witness or an enclave breaks, the next request is served
        return encode_refusal(Refusal("InternalError", f"{type(error).__name__}: {error}"))


def _write(answers: ByteStream, message: bytes) -> None:
    answers.write(len(message).to_bytes(LENGTH_BYTES, "big") + message)
    answers.flush()
