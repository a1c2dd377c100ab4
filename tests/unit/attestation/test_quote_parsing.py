"""Bounds and layout of DCAP quotes."""

import pytest
from attested_calls import simulated_quote
from hypothesis import given
from hypothesis import strategies as st

from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.errors import MalformedQuote
from phal2.node.attestation.quotes import SGX, TDX, parse_exact_quote, parse_quote, parse_report
from phal2.node.protocol.keccak import keccak256

TDX_QUOTE = simulated_quote().quote
SGX_QUOTE = simulated_quote(platform=SimulatedPlatform(tee="SGX")).quote


def version_5(body_type: int, size: int, body: bytes) -> bytes:
    descriptor = body_type.to_bytes(2, "little") + size.to_bytes(4, "little")
    return b"\x05\x00" + TDX_QUOTE[2:48] + descriptor + body + TDX_QUOTE[632:]


def test_version_3_is_sgx():
    report = parse_exact_quote(SGX_QUOTE)

    assert (report.version, report.tee, report.body) == (3, SGX, SGX_QUOTE[48:432])
    assert report.report_data == SGX_QUOTE[368:432]
    assert report.workload == keccak256(report.body[64:96] + report.body[128:160])
    assert report.image == bytes(32)


def test_version_4_is_tdx():
    report = parse_exact_quote(TDX_QUOTE)

    assert (report.version, report.tee, report.body) == (4, TDX, TDX_QUOTE[48:632])
    assert report.report_data == TDX_QUOTE[568:632]
    assert report.subject == keccak256(TDX_QUOTE[48:632])


@pytest.mark.parametrize(("body_type", "size"), [(2, 584), (3, 648), (4, 885)])
def test_version_5_has_a_body_of_its_type_and_size(body_type, size):
    body = TDX_QUOTE[48:632].ljust(size, b"\x07")

    report = parse_exact_quote(version_5(body_type, size, body))

    assert (report.version, report.tee, report.body) == (5, TDX, body)
    assert report.workload == parse_exact_quote(TDX_QUOTE).workload
    assert report.subject == keccak256(body)


@pytest.mark.parametrize(("body_type", "size"), [(1, 384), (2, 648), (3, 584), (5, 584), (2, 583), (2, 2**32 - 1)])
def test_version_5_with_another_body_is_refused(body_type, size):
    with pytest.raises(MalformedQuote, match="body of type"):
        parse_quote(version_5(body_type, size, TDX_QUOTE[48:632]))


@pytest.mark.parametrize(
    ("version", "tee_type"), [(3, 0x81), (4, 0), (5, 0), (2, 0), (6, 0x81), (4, 0x82), (0xFFFF, 0xFFFFFFFF)]
)
def test_other_versions_and_tees_are_refused(version, tee_type):
    header = version.to_bytes(2, "little") + TDX_QUOTE[2:4] + tee_type.to_bytes(4, "little")

    with pytest.raises(MalformedQuote, match=f"version {version} and TEE type"):
        parse_quote(header + TDX_QUOTE[8:])


@pytest.mark.parametrize("quote", [TDX_QUOTE, SGX_QUOTE], ids=["TDX", "SGX"])
def test_a_quote_cut_anywhere_is_refused(quote):
    for length in range(0, len(quote), 37):
        with pytest.raises(MalformedQuote, match="ends within"):
            parse_quote(quote[:length])


def test_bytes_behind_the_quote_are_found():
    assert parse_quote(TDX_QUOTE + bytes(70)).length == len(TDX_QUOTE)
    with pytest.raises(MalformedQuote, match="followed by 70 more"):
        parse_exact_quote(TDX_QUOTE + bytes(70))


def test_surplus_within_the_signature_data_is_refused():
    grown = len(TDX_QUOTE) - 636 + 3

    with pytest.raises(MalformedQuote, match="3 surplus bytes"):
        parse_quote(TDX_QUOTE[:632] + grown.to_bytes(4, "little") + TDX_QUOTE[636:] + bytes(3))


def test_surplus_within_the_certification_data_is_refused():
    nested_length = len(TDX_QUOTE) - 636 - 128 - 6
    quote = (
        TDX_QUOTE[:632]
        + (len(TDX_QUOTE) - 636 + 3).to_bytes(4, "little")
        + TDX_QUOTE[636 : 636 + 130]
        + (nested_length + 3).to_bytes(4, "little")
        + TDX_QUOTE[636 + 134 :]
        + bytes(3)
    )

    with pytest.raises(MalformedQuote, match="3 surplus bytes"):
        parse_quote(quote)


def test_certification_data_of_another_type_is_refused():
    with pytest.raises(MalformedQuote, match="type 5, expected 6"):
        parse_quote(TDX_QUOTE[:764] + b"\x05\x00" + TDX_QUOTE[766:])


@given(raw=st.binary(max_size=800))
def test_any_bytes_are_judged(raw):
    for parse in (parse_report, parse_quote, parse_exact_quote):
        with pytest.raises(MalformedQuote):
            parse(raw)
