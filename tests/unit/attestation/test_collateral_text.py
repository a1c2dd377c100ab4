"""Collateral is one JSON object of known keys with string values, and nothing besides."""

import json
import sys

import pytest
from attested_calls import simulated_quote
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.attestation.collateral import REQUIRED_KEYS, check_collateral
from phal2.node.attestation.errors import MalformedCollateral

FIELDS = simulated_quote().collateral


def text_of(fields: dict[str, object]) -> bytes:
    return json.dumps(fields).encode()


def test_well_formed_collateral_is_accepted():
    check_collateral(text_of(FIELDS))
    check_collateral(b"\n " + json.dumps(FIELDS, indent=2).encode() + b"\r\n")
    check_collateral(text_of({**FIELDS, "pck_certificate_chain": ""}))


@pytest.mark.parametrize("key", sorted(REQUIRED_KEYS))
def test_every_key_is_required(key):
    with pytest.raises(MalformedCollateral, match=key):
        check_collateral(text_of({name: value for name, value in FIELDS.items() if name != key}))


def test_unknown_keys_are_refused():
    with pytest.raises(MalformedCollateral, match="unknown key 'tcbInfo'"):
        check_collateral(text_of({**FIELDS, "tcbInfo": ""}))


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"]])
@pytest.mark.parametrize("key", ["tcb_info", "pck_certificate_chain"])
def test_other_values_than_strings_are_refused(key, value):
    with pytest.raises(MalformedCollateral, match="string value"):
        check_collateral(text_of({**FIELDS, key: value}))


def test_repeated_keys_are_refused():
    text = text_of(FIELDS)

    with pytest.raises(MalformedCollateral, match="twice"):
        check_collateral(b'{"tcb_info":"",' + text[1:])


@pytest.mark.parametrize("tail", [b"x", b"{}", b"\0", b","])
def test_trailing_data_is_refused(tail):
    with pytest.raises(MalformedCollateral, match="goes on behind"):
        check_collateral(text_of(FIELDS) + tail)


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[]", b'"text"', b"\xff", b"\xef\xbb\xbf{}", b"{", b"[" * 60_000, b"1" * 5_000, b"NaN"],
    ids=lambda text: repr(text[:5]),
)
def test_anything_but_one_object_is_refused(text):
    with pytest.raises(MalformedCollateral):
        check_collateral(text)


def test_nesting_within_the_object_is_refused():
    with pytest.raises(MalformedCollateral):
        check_collateral(text_of(FIELDS)[:-1] + b',"pck_certificate_chain":' + b"[" * 50_000 + b"]" * 50_000 + b"}")


def test_deep_nesting_costs_no_stack():
    # py-evm raises Python's recursion limit, with which a recursive reader would overflow the stack.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        with pytest.raises(MalformedCollateral):
            check_collateral(b'{"tcb_info":' * 5_000)
        with pytest.raises(MalformedCollateral):
            check_collateral(b"[" * 65_536)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("escape", [r"\u0041", r"\n", r"\ud83d\ude00", r"\/", r"\""])
def test_escapes_of_json_are_read(escape):
    check_collateral(text_of(FIELDS).replace(b'"tcb_info": "', b'"tcb_info": "' + escape.encode()))


@pytest.mark.parametrize("text", ["\\x", "\\u12", "\t", "\n", "\\"])
def test_what_json_does_not_allow_in_strings_is_refused(text):
    with pytest.raises(MalformedCollateral):
        check_collateral(text_of(FIELDS).replace(b'"tcb_info": "', b'"tcb_info": "' + text.encode()))


@given(value=st.text(max_size=50))
def test_any_text_survives(value):
    check_collateral(text_of({**FIELDS, "tcb_info": value}))
    check_collateral(json.dumps({**FIELDS, "tcb_info": value}, ensure_ascii=False).encode("utf-8"))


def test_unpaired_surrogates_are_refused():
    with pytest.raises(MalformedCollateral, match="surrogate"):
        check_collateral(text_of({**FIELDS, "tcb_info": "\ud800"}))


@pytest.mark.parametrize("key", ["tcb_info_signature", "qe_identity_signature"])
def test_signatures_have_64_bytes_of_hex(key):
    signature = FIELDS[key]

    for wrong in (signature[:64] + "00" + signature[64:], signature[:-2], "0x" + signature[2:], "g" * 128, ""):
        with pytest.raises(MalformedCollateral, match=key):
            check_collateral(text_of({**FIELDS, key: wrong}))


@given(text=st.binary(max_size=200))
def test_any_bytes_are_judged(text):
    with pytest.raises(MalformedCollateral):
        check_collateral(text)
