"""Load of all kinds on a devnet: many senders, several connections, every transaction type, deposits from L1."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import orjson
from attested_actions import ALICE, NOTE, READ_CONTEXT, Attester
from chain_actions import deploy
from web3 import Web3

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.process import DevnetProcess, Endpoint
from phal2.node.attestation.building import (
    Call,
    account_attestation,
    account_statement_for,
    enclave_key_attestation,
    sign_attested,
    statement_for,
)
from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Attestation,
    Authorization,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)

GWEI = 10**9
FEE_CAP = 100 * GWEI
FUNDS = 100 * 10**18
KINDS = ("legacy", "access list", "dynamic fee", "set code", "enclave key", "substrate account")
ENCLAVE_KEY = keccak256(b"enclave under load")
FUNDER = 8
ATTESTER = 7
DEPOSITED_TO = b"\xde" * 20


@dataclass(slots=True)
class Sender:
    """An account with its own key and the nonce it uses next."""

    key: bytes
    nonce: int = 0

    @property
    def address(self) -> bytes:
        return address_of_private_key(self.key)

    def next_nonce(self) -> int:
        self.nonce += 1
        return self.nonce - 1


class MixedLoad:
    """Senders with ether on a devnet, a contract to call and a registered enclave key."""

    def __init__(self, devnet: DevnetProcess, sender_count: int = 12) -> None:
        self.l2 = devnet.l2
        self.senders = [Sender(keccak256(f"sender {number}".encode())) for number in range(sender_count)]
        self._authorities = (keccak256(f"authority {number}".encode()) for number in itertools.count())
        web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
        self._fund(devnet, web3)
        author = web3.eth.account.from_key(devnet.accounts[ATTESTER]["privateKey"])
        self.notebook = bytes.fromhex(deploy(web3, author, "Notebook").address[2:])
        attester = Attester.of(devnet, ATTESTER)
        assert attester.register(address_of_private_key(ENCLAVE_KEY))["status"] == 1
        self.valid_until = attester.next_timestamp() + 7_200

    def go_on_with(self, devnet: DevnetProcess) -> None:
        """Use a devnet that goes on with the same chain: its pool is lost, so the nonces are the accounts'."""
        self.l2 = devnet.l2
        for sender in self.senders:
            sender.nonce = int(self.l2.request("eth_getTransactionCount", f"0x{sender.address.hex()}", "latest"), 16)

    def transactions(self, count: int) -> Iterator[bytes]:
        """Make `count` transactions, the senders in turn, each going through all kinds."""
        for number in range(count):
            sender = self.senders[number % len(self.senders)]
            yield self._transaction(sender, KINDS[(number // len(self.senders)) % len(KINDS)])

    def _transaction(self, sender: Sender, kind: str) -> bytes:
        nonce, chain_id = sender.next_nonce(), self.l2.chain_id
        page = encode_call(load_artefact("Notebook"), "write", [f"{kind} {nonce}"])
        if kind == "legacy":
            return _signed(
                LegacyTransaction(nonce, FEE_CAP, 21_000, bytes([0xBE]) * 20, 1, b"", 35 + 2 * chain_id, 0, 0), sender
            )
        if kind == "access list":
            access_list = ((self.notebook, (bytes(32),)),)
            return _signed(
                AccessListTransaction(chain_id, nonce, FEE_CAP, 300_000, self.notebook, 0, page, access_list, 0, 0, 0),
                sender,
            )
        if kind == "dynamic fee":
            return _signed(
                DynamicFeeTransaction(chain_id, nonce, GWEI, FEE_CAP, 300_000, self.notebook, 0, page, (), 0, 0, 0),
                sender,
            )
        if kind == "set code":
            authorization = _authorization(chain_id, self.notebook, next(self._authorities))
            return _signed(
                SetCodeTransaction(
                    chain_id, nonce, GWEI, FEE_CAP, 300_000, bytes([0xEE]) * 20, 0, b"", (), (authorization,), 0, 0, 0
                ),
                sender,
            )
        call = Call(chain_id, nonce, ATTESTATION_CONTEXT, 0, READ_CONTEXT, 400_000, GWEI, FEE_CAP)
        return sign_attested(call, self._attestation(call, sender, kind), sender.key)

    def _attestation(self, call: Call, sender: Sender, kind: str) -> Attestation:
        if kind == "enclave key":
            return enclave_key_attestation(statement_for(call, sender.address, self.valid_until), ENCLAVE_KEY)
        return account_attestation(account_statement_for(call, self.valid_until, NOTE), ALICE)

    def _fund(self, devnet: DevnetProcess, web3: Web3) -> None:
        key = bytes.fromhex(devnet.accounts[FUNDER]["privateKey"][2:])
        funder = Sender(key, web3.eth.get_transaction_count(Web3().eth.account.from_key(key).address))
        transfers = [
            _signed(
                DynamicFeeTransaction(
                    self.l2.chain_id, funder.next_nonce(), GWEI, FEE_CAP, 21_000, to.address, FUNDS, b"", (), 0, 0, 0
                ),
                funder,
            )
            for to in self.senders
        ]
        hashes = asyncio.run(submit(devnet.l2.url, transfers, connections=1))
        for _ in range(len(hashes)):
            if len(receipts(devnet.l2, hashes)) == len(hashes):
                break
            # A block takes what there is time for.
            devnet.l2.mine()
        assert [receipt["status"] for receipt in receipts(devnet.l2, hashes)] == ["0x1"] * len(hashes)


def deposits(devnet: DevnetProcess, count: int) -> list[bytes]:
    """Make `count` transactions for L1 that deposit ether for L2."""
    key = bytes.fromhex(devnet.accounts[FUNDER]["privateKey"][2:])
    web3 = Web3(Web3.HTTPProvider(devnet.l1.url))
    depositor = Sender(key, web3.eth.get_transaction_count(Web3().eth.account.from_key(key).address))
    data = encode_call(
        load_artefact("OptimismPortal"), "depositTransaction", [DEPOSITED_TO, 10**15, 100_000, False, b""]
    )
    portal = bytes.fromhex(devnet.l1.contracts["OptimismPortal"][2:])
    return [
        _signed(
            DynamicFeeTransaction(
                devnet.l1.chain_id, depositor.next_nonce(), GWEI, FEE_CAP, 300_000, portal, 10**15, data, (), 0, 0, 0
            ),
            depositor,
        )
        for _ in range(count)
    ]


async def submit(url: str, envelopes: Sequence[bytes], connections: int = 4) -> list[bytes]:
    """Send envelopes over several connections at once and return the hashes of those that were taken.

    What is refused because four attested transactions of the sender wait already is sent again.
    """
    waiting = iter(envelopes)

    async def send_on(session: aiohttp.ClientSession) -> list[bytes]:
        return [await send_until_taken(session, url, raw) for raw in waiting]

    async with aiohttp.ClientSession() as session:
        taken = await asyncio.gather(*(send_on(session) for _ in range(connections)))
    return [name for names in taken for name in names]


async def load_and_end(
    devnet: DevnetProcess, envelopes: Sequence[bytes], end: Callable[[], object], end_after: int
) -> dict[bytes, Any]:
    """Send envelopes and ask for the receipts all the time until the devnet is gone; return the receipts seen.

    When there are `end_after` of them, `end` is called, which is to end the devnet.
    """
    sent: deque[bytes] = deque()
    seen: dict[bytes, Any] = {}

    async def send_on(session: aiohttp.ClientSession) -> None:
        for raw in waiting:
            sent.append(await send_until_taken(session, devnet.l2.url, raw))

    async def watch(session: aiohttp.ClientSession) -> None:
        while True:
            while sent:
                name = sent[0]
                answer = await call(session, devnet.l2.url, "eth_getTransactionReceipt", f"0x{name.hex()}")
                if answer["result"] is None:
                    break
                seen[name] = answer["result"]
                sent.popleft()
                if len(seen) == end_after:
                    end()
            # Where nothing is waited for, this is what notices the end.
            await call(session, devnet.l2.url, "eth_blockNumber")
            await asyncio.sleep(0.01)

    waiting = iter(envelopes)
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(watch(session), *(send_on(session) for _ in range(3)), return_exceptions=True)
    return seen


async def send_until_taken(session: aiohttp.ClientSession, url: str, raw: bytes) -> bytes:
    """Send an envelope until it is taken, and return its hash."""
    while "error" in (answer := await call(session, url, "eth_sendRawTransaction", f"0x{raw.hex()}")):
        assert _may_be_tried_again(answer["error"]["message"]), answer
        await asyncio.sleep(0.05)
    return bytes.fromhex(answer["result"][2:])


def _may_be_tried_again(message: str) -> bool:
    reasons = ("attested transactions of this sender", "attestations of this sender", "must follow at once")
    return any(reason in message for reason in reasons)


async def call(session: aiohttp.ClientSession, url: str, method: str, *parameters: object) -> Any:
    """Return the answer to one request, error or result."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
        return orjson.loads(await response.read())


async def batch(session: aiohttp.ClientSession, url: str, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
    """Return the results of several calls of one method, in their order, from one request."""
    requests = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        for number, parameters in enumerate(calls)
    ]
    async with session.post(url, data=orjson.dumps(requests), headers={"Content-Type": "application/json"}) as response:
        return [answer["result"] for answer in orjson.loads(await response.read())]


def receipts(l2: Endpoint, hashes: Sequence[bytes]) -> list[Any]:
    """Return the receipts of the transactions that have one."""
    found = (l2.request("eth_getTransactionReceipt", f"0x{name.hex()}") for name in hashes)
    return [receipt for receipt in found if receipt is not None]


def block_hashes(endpoint: Endpoint, up_to: int) -> list[str]:
    """Return the hash of every block from 0 to `up_to`."""
    return [endpoint.request("eth_getBlockByNumber", hex(number), False)["hash"] for number in range(up_to + 1)]


def _authorization(chain_id: int, code_address: bytes, authority: bytes) -> Authorization:
    message = rlp.encode([rlp.encode_uint(chain_id), code_address, rlp.encode_uint(0)])
    return Authorization(chain_id, code_address, 0, *sign(keccak256(b"\x05" + message), authority))


def _signed(unsigned: SignedTransaction, sender: Sender) -> bytes:
    y_parity, r, s = sign(signing_hash(unsigned), sender.key)
    if isinstance(unsigned, LegacyTransaction):
        return encode_transaction(replace(unsigned, v=unsigned.v + y_parity, r=r, s=s))
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))
