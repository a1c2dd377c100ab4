"""A client of its own: attested transactions put together from the specification alone, without the project's code."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest
import rlp
import sr25519
from attested_actions import workload_hash
from chain_actions import deploy, mine, send_raw
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys import keys
from hexbytes import HexBytes
from nacl.signing import SigningKey
from web3 import Web3

from phal2.devnet.process import Endpoint
from phal2.devnet.tee.simulator import simulate_quote

FundedAccounts = Callable[..., LocalAccount]
VALID_FOR = 1_000
NOTE = "open the gate"


class Draft:
    """One call of an account; all numbers and texts are as the specification of type 0x54 says."""

    def __init__(self, web3: Web3, account: LocalAccount, to: str, data: bytes) -> None:
        self.web3, self.account, self.to, self.data = web3, account, to, data
        self.chain_id = web3.eth.chain_id
        self.nonce = web3.eth.get_transaction_count(account.address)
        self.valid_until = web3.eth.get_block("latest")["timestamp"] + VALID_FOR

    def typed_statement(self) -> Any:
        """The EIP-712 statement of kinds 1 and 2."""
        fields = ("address sender", "uint64 nonce", "address to", "uint256 value", "bytes32 dataHash")
        types = [dict(zip(("type", "name"), field.split(), strict=True)) for field in (*fields, "uint64 validUntil")]
        return encode_typed_data(
            {"name": "phal2 attested transaction", "version": "1", "chainId": self.chain_id},
            {"Statement": types},
            {
                "sender": self.account.address,
                "nonce": self.nonce,
                "to": self.to,
                "value": 0,
                "dataHash": Web3.keccak(self.data),
                "validUntil": self.valid_until,
            },
        )

    def statement_hash(self) -> bytes:
        message = self.typed_statement()
        return bytes(Web3.keccak(b"\x19\x01" + message.header + message.body))

    def account_text(self) -> bytes:
        """The text of kind 3."""
        lines = (
            "Phala account statement",
            f"chain: {self.chain_id}",
            f"contract: {self.to}",
            f"call: 0x{Web3.keccak(self.data).hex()}",
            f"valid until: {self.valid_until}",
            f"note: {NOTE}",
        )
        return "\n".join(lines).encode()

    def send(self, kind: int, evidence: list[Any]) -> Any:
        fees = [10**6, 10 * self.web3.eth.gas_price]
        call = [self.chain_id, self.nonce, *fees, 2_000_000, bytes.fromhex(self.to[2:]), 0, self.data, []]
        payload = [*call, [kind, self.valid_until, evidence]]
        signature = keys.PrivateKey(bytes(self.account.key)).sign_msg_hash(Web3.keccak(b"\x54" + rlp.encode(payload)))
        return send_raw(self.web3, b"\x54" + rlp.encode([*payload, signature.v, signature.r, signature.s]))


@pytest.fixture
def draft(web3: Web3, funded: FundedAccounts, l2: Endpoint) -> Callable[[str, bytes], Draft]:
    account = funded()
    assert l2.chain_id == web3.eth.chain_id
    return lambda to, data: Draft(web3, account, to, data)


READ_CONTEXT = bytes(Web3.keccak(text="current()"))[:4]
CONTEXT = Web3.to_checksum_address("0x4200000000000000000000000000000000000054")
REGISTRY = Web3.to_checksum_address("0x4200000000000000000000000000000000000056")


def test_a_quote_registers_a_key_which_then_passes_a_gate(web3: Web3, draft: Callable[[str, bytes], Draft]) -> None:
    enclave: LocalAccount = web3.eth.account.create()
    registration = bytes(Web3.keccak(text="register(address,uint64)"))[:4] + b"".join(
        (bytes.fromhex(enclave.address[2:]).rjust(32, b"\0"), (86_400).to_bytes(32, "big"))
    )
    gate = deploy(web3, draft(REGISTRY, b"").account, "WorkloadGate", workload_hash("gate"))
    first = draft(REGISTRY, registration)
    simulated = simulate_quote(first.statement_hash() + bytes(32), "gate", first.valid_until - VALID_FOR)

    registered = first.send(1, [simulated.quote, simulated.collateral_json])
    second = draft(gate.address, bytes.fromhex(gate.encode_abi("enter", [b"\x42" * 32])[2:]))
    signature = enclave.sign_message(second.typed_statement())
    words = signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big")
    entered = second.send(2, [bytes.fromhex(enclave.address[2:]), words + bytes([signature.v - 27])])

    assert (registered["status"], entered["status"]) == (1, 1)
    assert gate.functions.word().call() == b"\x42" * 32


@pytest.mark.parametrize("frame", ["%s", "<Bytes>%s</Bytes>"], ids=["bare", "wrapped"])
def test_substrate_accounts_sign_a_text(draft: Callable[[str, bytes], Draft], frame: str) -> None:
    pair, seed, ecdsa = sr25519.pair_from_seed(b"\x05" * 32), SigningKey(b"\x06" * 32), keys.PrivateKey(b"\x07" * 32)

    for scheme in range(3):
        call = draft(CONTEXT, READ_CONTEXT)
        text = frame.encode() % call.account_text()
        digest = blake2b(text, digest_size=32).digest()
        public_key, signature = [
            (bytes(seed.verify_key), seed.sign(text).signature),
            (pair[0], sr25519.sign(pair, text)),
            (ecdsa.public_key.to_compressed_bytes(), ecdsa.sign_msg_hash(digest).to_bytes()),
        ][scheme]
        receipt = call.send(3, [scheme, public_key, signature, NOTE.encode()])
        attestation = call.web3.eth.get_transaction(receipt["transactionHash"])["attestation"]
        account = blake2b(public_key, digest_size=32).digest() if scheme == 2 else public_key
        assert (receipt["status"], attestation["subject"]) == (1, f"0x{account.hex()}")


def test_two_of_three_accounts_are_one_account(draft: Callable[[str, bytes], Draft]) -> None:
    call = draft(CONTEXT, READ_CONTEXT)
    pair, seed = sr25519.pair_from_seed(b"\x05" * 32), SigningKey(b"\x06" * 32)
    people = {pair[0]: (1, sr25519.sign(pair, call.account_text()))}
    people[bytes(seed.verify_key)] = (0, seed.sign(call.account_text()).signature)
    signatories = sorted([*people, b"\x08" * 32])
    signatures = [[index, *people[key]] for index, key in enumerate(signatories) if key in people]

    receipt = call.send(3, [3, 2, signatories, signatures, NOTE.encode()])

    encoded = b"modlpy/utilisuba" + bytes([3 << 2]) + b"".join(signatories) + b"\x02\x00"
    attestation = call.web3.eth.get_transaction(receipt["transactionHash"])["attestation"]
    assert receipt["status"] == 1
    assert attestation["subject"] == f"0x{blake2b(encoded, digest_size=32).hexdigest()}"


def test_blocks_with_attested_transactions_are_read_like_any_other(
    web3: Web3, draft: Callable[[str, bytes], Draft]
) -> None:
    pair = sr25519.pair_from_seed(b"\x05" * 32)
    call = draft(CONTEXT, READ_CONTEXT)
    receipt = call.send(3, [1, pair[0], sr25519.sign(pair, call.account_text()), NOTE.encode()])

    block = web3.eth.get_block(receipt["blockNumber"], full_transactions=True)
    raw = web3.eth.get_raw_transaction(receipt["transactionHash"])

    (transaction,) = [each for each in block["transactions"] if each["hash"] == receipt["transactionHash"]]
    assert (transaction["type"], transaction["from"], transaction["to"]) == (0x54, call.account.address, CONTEXT)
    assert HexBytes(Web3.keccak(raw)) == receipt["transactionHash"]
    mine(web3)
    assert web3.eth.get_transaction_count(call.account.address) == call.nonce + 1
