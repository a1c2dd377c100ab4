"""dcap-qvl's verdict on quotes, and a bounded cache of verdicts.

A verdict depends on the quote, the collateral, the root certificate and the timestamp alone. `check_quote` is a plain
function of these, so that a worker process can run it; its result is then put into the `QuoteVerdicts` of the process
that needs it.
"""

import json
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeAlias

from dcap_qvl import QuoteCollateralV3, QuotePolicy, QuoteVerifier

from phal2.node.attestation.rust_panics import is_rust_panic
from phal2.node.attestation.tcb import status_number
from phal2.node.protocol.keccak import keccak256

_MAXIMUM_REASON_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class QuoteClaims:
    """A platform as an accepted quote proves it: merged TCB status, lower of the two TCB evaluation numbers."""

    tcb_status: int
    tcb_evaluation_number: int
    advisory_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuoteRefusal:
    """Why dcap-qvl does not accept a quote. The text is for people: no rule may depend on it."""

    reason: str


QuoteVerdict: TypeAlias = QuoteClaims | QuoteRefusal

VerdictKey: TypeAlias = tuple[bytes, bytes, bytes, int]
"""Hashes of quote, collateral and root certificate, and the timestamp."""


def check_quote(quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteVerdict:
    """Verify a raw quote with its collateral (JSON in UTF-8) under one root certificate, at a Unix time in seconds.

    Every status but Revoked is accepted; debug enclaves, broken signatures, expired or revoked certificates and the
    like are refused. Nothing is read but the arguments. Raises nothing on hostile input.
    """
    try:
        parsed = QuoteCollateralV3.from_json(collateral.decode("utf-8"))
        verifier = QuoteVerifier(root_der)
        claims = verifier.verify_with_policy(quote, parsed, timestamp, QuotePolicy.claims_only(timestamp))
        return _read_claims(claims.to_json())
    except (ValueError, OverflowError) as error:
        return QuoteRefusal(one_line(str(error)))
    except BaseException as error:
        if not is_rust_panic(error):
            raise
        return QuoteRefusal("dcap-qvl could not process the quote")


def verdict_key(quote: bytes, collateral: bytes, root_hash: bytes, timestamp: int) -> VerdictKey:
    """Return the key under which `QuoteVerdicts` keeps a verdict."""
    return keccak256(quote), keccak256(collateral), root_hash, timestamp


def one_line(reason: str) -> str:
    """Return a library's message without line breaks and of bounded length."""
    return " ".join(reason.split())[:_MAXIMUM_REASON_LENGTH]


class QuoteVerdicts:
    """Verdicts by what they depend on: at most `capacity`, the least recently used go first. Threads may share it."""

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._verdicts: OrderedDict[VerdictKey, QuoteVerdict] = OrderedDict()
        self._lock = Lock()

    def verdict(self, quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteVerdict:
        """Return what `check_quote` says of the same arguments, from the cache where it is there."""
        key = verdict_key(quote, collateral, keccak256(root_der), timestamp)
        with self._lock:
            known = self._verdicts.get(key)
            if known is not None:
                self._verdicts.move_to_end(key)
                return known
        verdict = check_quote(quote, collateral, root_der, timestamp)
        self.remember(key, verdict)
        return verdict

    def remember(self, key: VerdictKey, verdict: QuoteVerdict) -> None:
        """Keep a verdict that `check_quote` gave, here or in another process, for exactly what `key` names."""
        with self._lock:
            self._verdicts[key] = verdict
            self._verdicts.move_to_end(key)
            while len(self._verdicts) > self._capacity:
                self._verdicts.popitem(last=False)

    def __contains__(self, key: VerdictKey) -> bool:
        return key in self._verdicts

    def __len__(self) -> int:
        return len(self._verdicts)


def _read_claims(text: str) -> QuoteVerdict:
    claims = json.loads(text)
    status = claims["tcb"]["status"]
    number = status_number(status)
    if number is None:
        return QuoteRefusal(f"TCB status {status} cannot be accepted")
    evaluation_number = min(claims["tcb"]["eval_data_number"], claims["qe"]["tcb_eval_data_number"])
    return QuoteClaims(number, evaluation_number, tuple(claims["tcb"]["advisory_ids"]))
