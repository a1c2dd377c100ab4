"""The prover as a program on two byte streams: a message in, a message out, until the input ends."""

from typing import BinaryIO

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


def serve(prover: Prover, requests: BinaryIO, answers: BinaryIO) -> None:
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


def _write(answers: BinaryIO, message: bytes) -> None:
    answers.write(len(message).to_bytes(LENGTH_BYTES, "big") + message)
    answers.flush()
