"""DER encodings, against another implementation."""

import pytest
from cryptography.x509 import ExtendedKeyUsage, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from phal2.devnet.tee import der


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (der.integer(0), "020100"),
        (der.integer(127), "02017f"),
        (der.integer(128), "02020080"),
        (der.integer(65_535), "020300ffff"),
        (der.enumerated(1), "0a0101"),
        (der.boolean(True), "0101ff"),
        (der.boolean(False), "010100"),
        (der.octet_string(b"ab"), "04026162"),
        (der.sequence(), "3000"),
        (der.sequence(der.integer(1), der.boolean(True)), "30060201010101ff"),
        (der.object_identifier("1.2.840.113741.1.13.1.2.17"), "060b2a864886f84d010d010211"),
        (der.octet_string(bytes(127))[:2], "047f"),
        (der.octet_string(bytes(128))[:3], "048180"),
        (der.octet_string(bytes(300))[:4], "0482012c"),
    ],
)
def test_known_encodings(encoded, expected):
    assert encoded.hex() == expected


@given(arcs=st.lists(st.integers(0, 2**40), max_size=6))
def test_object_identifiers_as_in_x509(arcs):
    dotted = ".".join(str(arc) for arc in (1, 2, *arcs))
    reference = ExtendedKeyUsage([ObjectIdentifier(dotted)]).public_bytes()

    assert der.sequence(der.object_identifier(dotted)) == reference
