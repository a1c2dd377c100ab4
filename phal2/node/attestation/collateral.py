"""Strict reading of quote collateral: the JSON object that dcap-qvl takes, and nothing besides.

JSON readers differ in what they make of repeated keys, foreign keys or values of other types. Only text on which all
agree is accepted. A general reader is not used, because nested values of a stranger could exhaust its stack.
"""

import json
import re
from typing import Final

from phal2.node.attestation.errors import MalformedCollateral

REQUIRED_KEYS: Final = frozenset(
    {
        "pck_crl_issuer_chain",
        "root_ca_crl",
        "pck_crl",
        "tcb_info_issuer_chain",
        "tcb_info",
        "tcb_info_signature",
        "qe_identity_issuer_chain",
        "qe_identity",
        "qe_identity_signature",
    }
)
OPTIONAL_KEYS: Final = frozenset({"pck_certificate_chain"})

_SIGNATURE_KEYS: Final = ("tcb_info_signature", "qe_identity_signature")
_SIGNATURE: Final = re.compile(r"[0-9a-fA-F]{128}")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_STRING: Final = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_MEMBER: Final = re.compile(rf"[ \t\r\n]*+({_STRING})[ \t\r\n]*+:[ \t\r\n]*+({_STRING})[ \t\r\n]*+([,}}])")
_BEGIN: Final = re.compile(r"[ \t\r\n]*+\{")
_END: Final = re.compile(r"[ \t\r\n]*+")


def check_collateral(collateral: bytes) -> None:
    """Raise `MalformedCollateral` where the bytes are not well-formed collateral.

    UTF-8, one JSON object, each required key once, the optional key at most once, no others, all values strings. The
    two signatures are 64 bytes (r and s) in hex: dcap-qvl would also take longer forms of the same numbers.
    """
    try:
        text = collateral.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedCollateral(f"collateral is not UTF-8 at byte {error.start}") from None
    fields = _read_object(text)
    missing = sorted(REQUIRED_KEYS - fields.keys())
    if missing:
        raise MalformedCollateral(f"collateral lacks {', '.join(missing)}")
    for key in _SIGNATURE_KEYS:
        if not _SIGNATURE.fullmatch(fields[key]):
            raise MalformedCollateral(f"collateral's {key} is not 128 hex digits")


def _read_object(text: str) -> dict[str, str]:
    begin = _BEGIN.match(text)
    if begin is None:
        raise MalformedCollateral("collateral is not a JSON object")
    fields: dict[str, str] = {}
    position = begin.end()
    separator = ","
    while separator == ",":
        member = _MEMBER.match(text, position)
        if member is None:
            raise MalformedCollateral(f"collateral has no key with a string value at character {position}")
        key = _read_string(member[1])
        if key not in REQUIRED_KEYS and key not in OPTIONAL_KEYS:
            raise MalformedCollateral(f"collateral has the unknown key {key[:60]!r}")
        if key in fields:
            raise MalformedCollateral(f"collateral has the key {key} twice")
        fields[key] = _read_string(member[2])
        separator = member[3]
        position = member.end()
    if not _END.fullmatch(text, position):
        raise MalformedCollateral(f"collateral goes on behind its object, at character {position}")
    return fields


def _read_string(token: str) -> str:
    value: str = json.loads(token)
    if _SURROGATE.search(value):
        raise MalformedCollateral("collateral has an unpaired surrogate")
    return value
