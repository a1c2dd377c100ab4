"""The precompiled contracts against other implementations, and their refusals."""

import hashlib
import struct
from functools import cache
from typing import Any

import ckzg
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth.precompiles import bls12_g1_add, bls12_g2_add, bls12_map_fp2_to_g2, bls12_map_fp_to_g1
from hypothesis import given
from hypothesis import strategies as st
from small_chain import ALICE, ALICE_KEY, L1, L2, rollup_config

from phal2.node.protocol.forks import ForkSchedule
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import P256_VERIFY
from phal2.node.protocol.signatures import SECP256K1_ORDER, sign
from phal2.node.state.precompiles import bls12_381, hashes
from phal2.node.state.precompiles.modular_exponentiation import modexp, modexp_gas
from phal2.node.state.precompiles.point_evaluation import BLS_MODULUS, evaluate_point, trusted_setup
from phal2.node.state.precompiles.precompile import PrecompileFailure
from phal2.node.state.precompiles.signature_recovery import P256_ORDER, recover_signer, verify_p256
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import L1Rules, L2Rules, Revision, block_rules


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


# Signatures


def test_ecrecover_finds_the_signer() -> None:
    digest = keccak256(b"message")
    y_parity, r, s = sign(digest, ALICE_KEY)
    data = digest + word(27 + y_parity) + word(r) + word(s)
    assert recover_signer(data) == bytes(12) + ALICE
    assert recover_signer(data + b"more") == bytes(12) + ALICE


def test_ecrecover_takes_a_high_s() -> None:
    digest = keccak256(b"message")
    y_parity, r, s = sign(digest, ALICE_KEY)
    assert recover_signer(digest + word(28 - y_parity) + word(r) + word(SECP256K1_ORDER - s)) == bytes(12) + ALICE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(128),
        bytes(32) + word(29) + word(1) + word(1),
        bytes(32) + word(27 + 256) + word(1) + word(1),
        bytes(32) + word(27) + word(SECP256K1_ORDER) + word(1),
        bytes(32) + word(27) + word(5) + word(1),  # no point has this x
    ],
)
def test_ecrecover_gives_nothing_for_what_is_no_signature(data: bytes) -> None:
    assert recover_signer(data) == b""


@cache
def p256_input() -> bytes:
    key = derive_private_key(7, SECP256R1())
    digest = hashlib.sha256(b"message").digest()
    r, s = decode_dss_signature(key.sign(digest, ECDSA(Prehashed(SHA256()))))
    point = key.public_key().public_numbers()
    return digest + word(r) + word(s) + word(point.x) + word(point.y)


def test_p256_verifies() -> None:
    assert verify_p256(p256_input()) == word(1)


@given(st.integers(0, 159), st.integers(1, 255))
def test_p256_refuses_any_changed_byte(position: int, change: int) -> None:
    data = bytearray(p256_input())
    data[position] ^= change
    assert verify_p256(bytes(data)) == b""


def test_p256_refuses_other_lengths_and_ranges() -> None:
    data = p256_input()
    assert verify_p256(data[:-1]) == verify_p256(data + b"\0") == verify_p256(b"") == b""
    assert verify_p256(data[:32] + bytes(32) + data[64:]) == b""
    assert verify_p256(data[:64] + word(P256_ORDER) + data[96:]) == b""
    assert verify_p256(data[:96] + bytes(64)) == b""


# Hashes


def test_ripemd_is_padded_to_a_word() -> None:
    assert hashes.ripemd160(b"").hex() == "00" * 12 + "9c1185a5c5e9fc54612808977ee8f548b2258d31"


def blake2_input(rounds: int, message: bytes, length: int, final: int = 1) -> bytes:
    state = list(struct.unpack("<8Q", bytes.fromhex(BLAKE2B_512_STATE)))
    block = message.ljust(128, b"\0")
    return (
        struct.pack(">I8Q", rounds, *([0] * 8))[:4]
        + struct.pack("<8Q", *state)
        + block
        + struct.pack("<2QB", length, 0, final)
    )


# The initial state of unkeyed BLAKE2b-512.
BLAKE2B_512_STATE = (
    "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
    "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
)


@given(st.binary(max_size=128))
def test_twelve_rounds_over_one_block_are_blake2b(message: bytes) -> None:
    digest = hashes.blake2_compress(blake2_input(12, message, len(message)))
    assert digest == hashlib.blake2b(message).digest()


def test_blake2_charges_by_round_and_checks_its_input() -> None:
    assert hashes.blake2_rounds(blake2_input(12, b"", 0)) == 12
    for bad in (b"", bytes(212), blake2_input(1, b"", 0, final=2)):
        with pytest.raises(PrecompileFailure):
            hashes.blake2_compress(bad)


# Modular exponentiation


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    return word(len(base)) + word(len(exponent)) + word(len(modulus)) + base + exponent + modulus


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_modexp_is_pythons_power(base: bytes, exponent: bytes, modulus: bytes) -> None:
    result = modexp(modexp_input(base, exponent, modulus))
    divisor = int.from_bytes(modulus, "big")
    expected = pow(int.from_bytes(base, "big"), int.from_bytes(exponent, "big"), divisor) if divisor else 0
    assert result == expected.to_bytes(len(modulus), "big")


def test_modexp_reads_zeros_behind_its_input() -> None:
    assert modexp(word(1) + word(1) + word(2) + b"\x03\x02\x01") == b"\0\x09"  # 3^2 mod 0x0100
    assert modexp(b"") == b""


def test_modexp_prices_of_eip_2565() -> None:
    assert modexp_gas(b"") == 200
    assert modexp_gas(modexp_input(b"\xff" * 64, b"\x01\x00\x01", b"\xff" * 64)) == 341
    assert modexp_gas(modexp_input(b"\xff" * 64, b"\xff" * 64, b"\xff" * 64)) == 64 * 511 // 3
    assert modexp_gas(word(2**255) + word(2**255) + word(2**255)) > 2**500


# BLS12-381, against py-evm's implementation


class OracleComputation:
    """As much of a py-evm computation as its precompiles need."""

    def __init__(self, data: bytes) -> None:
        self.msg = type("Message", (), {"data": data, "data_as_bytes": data})
        self.output = b""

    def consume_gas(self, _: int, reason: str) -> None:
        assert reason


def by_py_evm(precompile: Any, data: bytes) -> bytes:
    computation = OracleComputation(data)
    precompile(computation)
    return computation.output


def g1(seed: int) -> bytes:
    return bls12_381.map_to_g1(seed.to_bytes(64, "big"))


def g2(seed: int) -> bytes:
    return bls12_381.map_to_g2(bytes(64) + seed.to_bytes(64, "big"))


G1_ORDER = BLS_MODULUS


def test_bls_maps_are_py_evms() -> None:
    for seed in (0, 1, bls12_381.FIELD_MODULUS - 1):
        field = seed.to_bytes(64, "big")
        assert bls12_381.map_to_g1(field) == by_py_evm(bls12_map_fp_to_g1, field)
        assert bls12_381.map_to_g2(field + field) == by_py_evm(bls12_map_fp2_to_g2, field + field)


def test_bls_additions_are_py_evms() -> None:
    assert bls12_381.add_g1(g1(1) + g1(2)) == by_py_evm(bls12_g1_add, g1(1) + g1(2))
    assert bls12_381.add_g2(g2(1) + g2(2)) == by_py_evm(bls12_g2_add, g2(1) + g2(2))
    assert bls12_381.add_g1(g1(1) + bytes(128)) == g1(1)
    assert bls12_381.add_g2(bytes(512)) == bytes(256)


def test_bls_addition_takes_points_outside_the_subgroup_and_multiplication_does_not() -> None:
    # (0, 2) is on the curve y² = x³ + 4, and of order 3.
    outside = bytes(64) + (2).to_bytes(64, "big")
    assert bls12_381.add_g1(outside + outside) == bytes(64) + (bls12_381.FIELD_MODULUS - 2).to_bytes(64, "big")
    with pytest.raises(PrecompileFailure, match="not in G1"):
        bls12_381.multiply_g1(outside + word(1))


def test_bls_multiplication_sums_scalars() -> None:
    assert bls12_381.multiply_g1(g1(1) + word(2)) == bls12_381.add_g1(g1(1) + g1(1))
    assert bls12_381.multiply_g1(g1(1) + word(3) + g1(1) + word(G1_ORDER - 3)) == bytes(128)
    assert bls12_381.multiply_g2(g2(1) + word(2)) == bls12_381.add_g2(g2(1) + g2(1))
    assert bls12_381.multiply_g1(g1(1) + word(G1_ORDER + 1)) == g1(1)


def test_bls_pairing_is_bilinear() -> None:
    negative = bls12_381.multiply_g1(g1(1) + word(G1_ORDER - 1))
    assert bls12_381.check_pairing(g1(1) + g2(1) + negative + g2(1)) == word(1)
    assert bls12_381.check_pairing(g1(1) + g2(1)) == word(0)
    assert bls12_381.check_pairing(bytes(384)) == word(1)


@pytest.mark.parametrize(
    ("function", "data"),
    [
        (bls12_381.add_g1, b""),
        (bls12_381.add_g1, bytes(255)),
        (bls12_381.add_g1, bytes(127) + b"\x01" + bytes(128)),
        (bls12_381.add_g1, bls12_381.FIELD_MODULUS.to_bytes(64, "big") + bytes(192)),
        (bls12_381.add_g2, bytes(255) + b"\x01" + bytes(256)),
        (bls12_381.multiply_g1, b""),
        (bls12_381.multiply_g2, bytes(287)),
        (bls12_381.check_pairing, b""),
        (bls12_381.map_to_g1, b"\x01" + bytes(63)),
        (bls12_381.map_to_g2, bytes(64)),
    ],
)
def test_bls_refuses_malformed_input(function: Any, data: bytes) -> None:
    with pytest.raises(PrecompileFailure):
        function(data)


def test_bls_prices() -> None:
    assert bls12_381.multiply_g1_gas(bytes(160)) == 12_000
    assert bls12_381.multiply_g1_gas(bytes(160 * 128)) == bls12_381.multiply_g1_gas(bytes(160 * 129)) * 128 // 129
    assert bls12_381.multiply_g2_gas(bytes(288 * 2)) == 2 * 22_500 * 1_000 // 1_000
    assert bls12_381.pairing_gas(bytes(384)) == 37_700 + 32_600


# KZG


def test_a_point_evaluation_proof_holds_and_a_changed_one_does_not() -> None:
    blob = word(7) + bytes(131_072 - 32)
    commitment = ckzg.blob_to_kzg_commitment(blob, trusted_setup())
    z = word(5)
    proof, y = ckzg.compute_kzg_proof(blob, z, trusted_setup())
    versioned_hash = b"\x01" + hashlib.sha256(commitment).digest()[1:]
    assert evaluate_point(versioned_hash + z + y + commitment + proof) == word(4096) + word(BLS_MODULUS)
    for bad in (
        b"",
        b"\x02" + versioned_hash[1:] + z + y + commitment + proof,
        versioned_hash + z + word(9) + commitment + proof,
        versioned_hash + word(2**256 - 1) + y + commitment + proof,
        versioned_hash + z + y + commitment + b"\xff" * 48,
    ):
        with pytest.raises(PrecompileFailure):
            evaluate_point(bad)


# Which block has which


def test_revisions_and_forks_decide_what_there_is() -> None:
    def numbers(rules: L1Rules | L2Rules) -> set[int]:
        return {int.from_bytes(address, "big") for address in precompiles_of(block_rules(rules, 100))}

    assert numbers(L1Rules(1, Revision.SHANGHAI)) == set(range(1, 10))
    assert numbers(L1Rules(1, Revision.CANCUN)) == set(range(1, 11))
    assert numbers(L1) == set(range(1, 18))
    assert numbers(L2) == set(range(1, 18)) | {0x100}
    ecotone = ForkSchedule(regolith_time=0, canyon_time=0, delta_time=0, ecotone_time=0)
    assert numbers(L2Rules(rollup_config(ecotone))) == set(range(1, 11))


def test_l2_limits_the_input_of_pairings() -> None:
    table = precompiles_of(block_rules(L2, 100))
    with pytest.raises(PrecompileFailure, match="at most 112687"):
        table[(8).to_bytes(20, "big")].run(bytes(192 * 587))
    with pytest.raises(PrecompileFailure, match="at most 235008"):
        table[(15).to_bytes(20, "big")].run(bytes(384 * 613))
    assert table[P256_VERIFY].gas(b"") == 3_450
