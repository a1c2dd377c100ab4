"""What every node is asked in `make bench-rpc`, after the same transactions have put the same content on its chain."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from benchmarks.accounts import TOKEN_TRANSFER_GAS, call, population, sign_transaction, token_transfer_data
from benchmarks.chain import CHAIN_ID
from benchmarks.load import request
from benchmarks.report import MeasurementFailed
from phal2.contracts import encode_call, encode_constructor, load_artefact
from phal2.devnet.accounts import DEFAULT_MNEMONIC, accounts_of_mnemonic
from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256

TRANSFERS: Final = 200
"""Token transfers in one block: as many full transactions, logs and receipts."""

_OTHER_HOLDERS: Final = 20_000
"""Whose balances are asked for so that no call is like one before it in the same block."""

_DEPLOYMENT_GAS: Final = 3_000_000
_ATTEMPTS: Final = 5
_PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Question:
    """A method with the parameters that its requests have in turn; `is_small` where batches of it are asked, too."""

    name: str
    method: str
    parameters: tuple[tuple[Any, ...], ...]
    is_small: bool = True

    def bodies(self) -> list[str]:
        """Return requests, one for each of the parameters."""
        return [orjson.dumps(self._entry(index)).decode() for index in range(len(self.parameters))]

    def batches(self, length: int) -> list[str]:
        """Return batches of `length` requests, which have all the parameters in turn."""
        count = len(self.parameters)
        return [
            orjson.dumps([self._entry((start + index) % count) | {"id": index} for index in range(length)]).decode()
            for start in range(0, count, length)
        ]

    def _entry(self, index: int) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": 1, "method": self.method, "params": self.parameters[index]}


async def prepare(url: str) -> tuple[Question, ...]:
    """Deploy a token, move it 200 times within one block, and return what is asked about all that."""
    deployer = accounts_of_mnemonic(DEFAULT_MNEMONIC, 1)[0]
    holders = population(TRANSFERS, senders=0).addresses
    token = contract_address(deployer.address, 0)
    creation = encode_constructor(load_artefact("PHAToken"), [deployer.address])
    deployment = sign_transaction(call(CHAIN_ID, 0, None, _DEPLOYMENT_GAS, 0, creation), deployer.private_key)
    async with aiohttp.ClientSession() as session:
        await _include(session, url, [deployment])
        for attempt in range(_ATTEMPTS):
            first_nonce = 1 + attempt * TRANSFERS
            envelopes = [
                sign_transaction(
                    call(CHAIN_ID, nonce, token, TOKEN_TRANSFER_GAS, 0, token_transfer_data(holder, 1000 + nonce)),
                    deployer.private_key,
                )
                for nonce, holder in enumerate(holders, first_nonce)
            ]
            receipts = await _include(session, url, envelopes)
            blocks = {receipt["blockNumber"] for receipt in receipts}
            if len(blocks) == 1:
                return await _questions(session, url, token, holders, envelopes, blocks.pop())
    raise MeasurementFailed(f"{TRANSFERS} transactions were never within one block")


async def _questions(
    session: aiohttp.ClientSession,
    url: str,
    token: bytes,
    holders: Sequence[bytes],
    envelopes: Sequence[bytes],
    block_number: str,
) -> tuple[Question, ...]:
    block = await request(session, url, "eth_getBlockByNumber", block_number, True)
    if len(block["transactions"]) < TRANSFERS or not isinstance(block["transactions"][0], dict):
        raise MeasurementFailed(f"the block has {len(block['transactions'])} transactions, not {TRANSFERS} or more")
    search = {"address": _hex(token), "fromBlock": block_number, "toBlock": block_number}
    logs = await request(session, url, "eth_getLogs", search)
    if len(logs) != TRANSFERS:
        raise MeasurementFailed(f"the block has {len(logs)} logs, not {TRANSFERS}")
    abi = load_artefact("PHAToken").abi
    balances = [{"to": _hex(token), "data": _hex(encode_call(abi, "balanceOf", [holder]))} for holder in holders]
    others = population(_OTHER_HOLDERS, senders=0).addresses
    distinct = [{"to": _hex(token), "data": _hex(encode_call(abi, "balanceOf", [holder]))} for holder in others]
    if int(await request(session, url, "eth_call", balances[0], "latest"), 16) < 1000:
        raise MeasurementFailed("the first holder has no tokens")
    return (
        Question("eth_chainId", "eth_chainId", ((),)),
        Question("eth_blockNumber", "eth_blockNumber", ((),)),
        Question("eth_getBalance", "eth_getBalance", tuple((_hex(holder), "latest") for holder in holders)),
        Question("eth_call of balanceOf", "eth_call", tuple((balance, "latest") for balance in balances)),
        Question("eth_call, never the same", "eth_call", tuple((balance, "latest") for balance in distinct)),
        Question("eth_getTransactionReceipt", "eth_getTransactionReceipt", _hashes(envelopes)),
        Question("eth_getBlockByNumber, 200 full", "eth_getBlockByNumber", ((block_number, True),), is_small=False),
        Question("eth_getLogs, 200 logs", "eth_getLogs", ((search,),), is_small=False),
    )


def _hashes(envelopes: Sequence[bytes]) -> tuple[tuple[str], ...]:
    return tuple((_hex(keccak256(envelope)),) for envelope in envelopes)


async def _include(session: aiohttp.ClientSession, url: str, envelopes: Sequence[bytes]) -> list[Mapping[str, Any]]:
    """Send envelopes right after a block, wait for their blocks, and return their receipts."""
    newest = first = await request(session, url, "eth_blockNumber")
    while newest == first:
        await asyncio.sleep(0.01)
        newest = await request(session, url, "eth_blockNumber")
    await _batch(session, url, "eth_sendRawTransaction", [_hex(envelope) for envelope in envelopes])
    hashes = [_hex(keccak256(envelope)) for envelope in envelopes]
    end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while asyncio.get_running_loop().time() < end:
        receipts = await _batch(session, url, "eth_getTransactionReceipt", hashes)
        if None not in receipts:
            if any(receipt["status"] != "0x1" for receipt in receipts):
                raise MeasurementFailed("a transaction of the preparation did not succeed")
            return receipts
        await asyncio.sleep(0.1)
    raise MeasurementFailed("a transaction of the preparation came into no block")


async def _batch(session: aiohttp.ClientSession, url: str, method: str, parameters: Sequence[str]) -> list[Any]:
    entries = [
        {"jsonrpc": "2.0", "id": index, "method": method, "params": [parameter]}
        for index, parameter in enumerate(parameters)
    ]
    headers = {"Content-Type": "application/json"}
    async with session.post(url, data=orjson.dumps(entries), headers=headers) as response:
        answers = orjson.loads(await response.read())
    if not isinstance(answers, list) or any("error" in answer for answer in answers):
        raise MeasurementFailed(f"{method}: {str(answers)[:300]}")
    return [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
