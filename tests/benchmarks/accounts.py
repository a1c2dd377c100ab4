"""The accounts of a benchmark: deterministic keys and addresses, a token, and the transactions that move both."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from phal2.contracts import encode_call, load_artefact
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

SEED = b"phal2 benchmark"

TOKEN = bytes.fromhex("70" * 20)
"""Where the benchmark chains have their ERC-20 token, an OpenZeppelin one, at genesis."""

TRANSFER_GAS = 21_000
TOKEN_TRANSFER_GAS = 65_000
"""Limit of a token transfer; it uses about 35,000 between holders, 52,000 to an address that holds nothing yet."""

_MAXIMUM_FEE = 100 * 10**9
_PRIORITY_FEE = 10**9


@dataclass(frozen=True, slots=True)
class Population:
    """Addresses of 20 bytes; the first len(keys) of them are senders, whose 32-byte keys are known."""

    addresses: tuple[bytes, ...]
    keys: tuple[bytes, ...]


def population(accounts: int, senders: int) -> Population:
    """Return the same accounts in every run."""
    keys = tuple(keccak256(SEED + b" key %d" % index) for index in range(senders))
    others = (keccak256(SEED + b" address %d" % index)[12:] for index in range(senders, accounts))
    return Population((*map(address_of_private_key, keys), *others), keys)


def sign_transaction(unsigned: DynamicFeeTransaction, key: bytes) -> bytes:
    """Return the envelope of a transaction with the signature of `key`."""
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


def call(chain_id: int, nonce: int, to: bytes | None, gas_limit: int, value: int, data: bytes) -> DynamicFeeTransaction:
    """Return an unsigned transaction with the benchmarks' fees."""
    return DynamicFeeTransaction(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=_PRIORITY_FEE,
        max_fee_per_gas=_MAXIMUM_FEE,
        gas_limit=gas_limit,
        to=to,
        value=value,
        data=data,
        access_list=(),
        y_parity=0,
        r=0,
        s=0,
    )


def token_transfer_data(recipient: bytes, amount: int) -> bytes:
    """Return the call data of the ERC-20 function transfer(address,uint256)."""
    return encode_call(load_artefact("PHAToken").abi, "transfer", [recipient, amount])


class Workload:
    """Signs transfers, each batch from senders that are distinct as long as there are enough of them."""

    def __init__(self, chain_id: int, people: Population, token: bytes = TOKEN) -> None:
        self._chain_id = chain_id
        self._people = people
        self._token = token
        self._random = random.Random(SEED)
        self._nonces = [0] * len(people.keys)
        self._senders = self._in_turn()

    def transfers(self, count: int) -> list[bytes]:
        """Return envelopes that send 1 wei each to an account chosen by chance."""
        return [
            self._signed(sender, to, TRANSFER_GAS, 1, b"")
            for sender, to in zip(islice(self._senders, count), self._recipients(count), strict=True)
        ]

    def token_transfers(self, count: int) -> list[bytes]:
        """Return envelopes that send one unit of the token each to an account chosen by chance."""
        return [
            self._signed(sender, self._token, TOKEN_TRANSFER_GAS, 0, token_transfer_data(to, 1))
            for sender, to in zip(islice(self._senders, count), self._recipients(count), strict=True)
        ]

    def _in_turn(self) -> Iterator[int]:
        order = list(range(len(self._people.keys)))
        self._random.shuffle(order)
        while True:
            yield from order

    def _recipients(self, count: int) -> Sequence[bytes]:
        return self._random.choices(self._people.addresses, k=count)

    def _signed(self, sender: int, to: bytes, gas_limit: int, value: int, data: bytes) -> bytes:
        nonce = self._nonces[sender]
        self._nonces[sender] += 1
        return sign_transaction(call(self._chain_id, nonce, to, gas_limit, value, data), self._people.keys[sender])
