"""A rollup in this process: an embedded L1 that seals on demand, nodes on a clock that tests advance, own batches.

The nodes reach L1 over HTTP through a link that tests can break.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from aiohttp import web

from phal2.bridge.batcher.channel_builder import batched_block
from phal2.devnet.accounts import role_account
from phal2.devnet.deployment import planned_l1_contracts
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.sealing import heads_at
from phal2.devnet.rollup import DevnetRollup, devnet_rollup
from phal2.devnet.servers import serve_l1
from phal2.devnet.settings import DevnetSettings
from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.driver.clock import Clock
from phal2.node.driver.rollup_node import NodeSettings, RollupNode
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.blob_sidecars import encode_network_form
from phal2.node.protocol.blobs import encode_blob
from phal2.node.protocol.block_refs import BlockId, L1BlockRef
from phal2.node.protocol.channels import ChannelWriter
from phal2.node.protocol.frames import batcher_transaction_data
from phal2.node.protocol.headers import Block
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import BlobTransaction, DynamicFeeTransaction
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
from phal2.node.state.rules import L1Rules

GENESIS_TIME = 1_750_000_000
GWEI = 10**9
ETHER = 10**18
KEY = keccak256(b"sender")
SENDER = address_of_private_key(KEY)
RECEIVER = b"\x0e" * 20
PORTAL = b"\x10" * 20
# log1(0, 0, calldataload(0)): what calls it chooses the topic, and no deposit looks like that
MALFORMED_DEPOSITS = bytes.fromhex("5f355f5fa100")
BATCHER = role_account("batcher")


class StoppedClock(Clock):
    """A clock that only moves when it is advanced."""

    def now(self) -> float:
        return GENESIS_TIME + self.offset


class Link:
    """Hands JSON-RPC and the beacon API on to an endpoint, or does what `fault` says instead."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault: Callable[[], web.Response] | None = None
        self.requests = 0
        self.paths: list[str] = []
        self.answer = self._answer

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()
        self._runner = web.ServerRunner(web.Server(lambda request: self.answer(request)))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.requests += 1
        if self.fault is not None:
            return self.fault()
        body, headers = await request.read(), {"Content-Type": "application/json"}
        self.paths.append(request.path)
        url = self.target + request.path_qs
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")


@dataclass(slots=True)
class DrivenRollup:
    """The parts; make it with `running`."""

    path: Path
    parts: AsyncExitStack
    clock: StoppedClock
    l1: EmbeddedL1
    link: Link
    rollup: DevnetRollup
    kzg: KzgWorker | None = None
    batches_posted: int = 0

    @classmethod
    async def running(
        cls, path: Path, parts: AsyncExitStack, l2_block_time: int = 1, kzg: KzgWorker | None = None
    ) -> "DrivenRollup":
        clock = StoppedClock()
        accounts = L1_SYSTEM_CONTRACTS | {
            BATCHER.address: GenesisAccount(balance=1_000 * ETHER),
            SENDER: GenesisAccount(balance=1_000 * ETHER),
            PORTAL: GenesisAccount(code=MALFORMED_DEPOSITS),
        }
        genesis = l1_genesis_block(L1Rules(31337), genesis_state(accounts), GENESIS_TIME, 30_000_000, GWEI)
        l1 = EmbeddedL1.open(path / "l1", genesis, clock=clock, durable=False, kzg=kzg)
        parts.push_async_callback(l1.stop)
        server = await serve_l1(l1, "127.0.0.1", 0)
        parts.push_async_callback(server.stop)
        link = Link(server.url)
        await link.start()
        parts.push_async_callback(link.stop)
        start = L1BlockRef(genesis.block.hash, 0, bytes(32), GENESIS_TIME)
        contracts = replace(planned_l1_contracts(SENDER), optimism_portal=PORTAL)
        rollup = devnet_rollup(
            DevnetSettings(l2_block_time=l2_block_time), {SENDER: 1_000 * ETHER}, SENDER, contracts, start
        )
        return cls(path, parts, clock, l1, link, rollup, kzg)

    async def node(
        self,
        name: str,
        is_sequencer: bool = False,
        state_retention: int | None = None,
        *,
        l1_may_rewind: bool = False,
        sequencer_url: str | None = None,
    ) -> RollupNode:
        """Start a node in a directory of its own."""
        path, url = self.path / name, self.link.url
        settings = NodeSettings(
            path,
            url,
            is_sequencer,
            0.01,
            False,
            state_retention,
            l1_may_rewind=l1_may_rewind,
            sequencer_url=sequencer_url,
        )
        node = RollupNode(settings, self.rollup.config, self.rollup.genesis_block, self.clock, self.kzg)
        if node.sequencing is not None:
            # What goes into a block is for tests to say, not for the speed of the machine.
            node.sequencing._building_seconds = lambda _: 600.0
        await node.start()
        self.parts.push_async_callback(node.stop)
        return node

    async def grow(self, sequencer: RollupNode, seconds: int = 1) -> None:
        """Let time pass, and wait for the sequencer's blocks."""
        self.clock.advance(seconds)
        due = int(self.clock.now()) - self.rollup.config.block_time
        await until(lambda: sequencer.heads.unsafe.timestamp > due)

    def blocks(self, node: RollupNode, numbers: Iterable[int]) -> list[Block]:
        """A node's canonical blocks."""
        found = [node.store.block_by_number(number) for number in numbers]
        return [block for block in found if block is not None]

    async def post(self, batches: Sequence[SingularBatch | Block]) -> BlockId:
        """Put batches into L1, in a block of their own, as one channel."""
        self.batches_posted += 1
        writer = ChannelWriter(self.batches_posted.to_bytes(16, "big"), 100_000)
        for batch in batches:
            writer.add_batch(singular_batch(batch) if isinstance(batch, Block) else batch)
        for frame in writer.close():
            await self.send_l1(
                BATCHER.private_key, self.rollup.config.batch_inbox_address, batcher_transaction_data([frame])
            )
        return await self.l1.mine()

    async def post_blobs(self, data: Sequence[bytes]) -> BlockId:
        """Put batcher data into L1, in a block of its own, as the blobs of one transaction."""
        assert self.kzg is not None
        sidecars = await self.kzg.commit([encode_blob(piece) for piece in data])
        hashes = tuple(sidecar.versioned_hash for sidecar in sidecars)
        inbox, nonce = self.rollup.config.batch_inbox_address, self.l1.pending_nonce(BATCHER.address)
        unsigned = BlobTransaction(
            31337, nonce, GWEI, 100 * GWEI, 100_000, inbox, 0, b"", (), 100 * GWEI, hashes, 0, 0, 0
        )
        y_parity, r, s = sign(signing_hash(unsigned), BATCHER.private_key)
        envelope = encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))
        await self.l1.submit_transaction(encode_network_form(envelope, sidecars))
        return await self.l1.mine()

    async def send_l1(self, key: bytes, to: bytes, data: bytes) -> None:
        """Send a transaction to L1's pool."""
        nonce = self.l1.pending_nonce(address_of_private_key(key))
        await self.l1.submit_transaction(transfer(nonce, key=key, to=to, data=data, value=0, chain_id=31337))

    def rewind_l1(self, number: int) -> None:
        """Have L1 forget the blocks above `number`; what it seals next is another branch."""
        block_hash = self.l1.store.block_hash(number)
        assert block_hash is not None
        head = BlockId(block_hash, number)
        self.l1.store.write_heads(heads_at(self.l1.store, head))


def singular_batch(block: Block) -> SingularBatch:
    """Return the batch of a block."""
    return batched_block(block).batch


def transfer(
    nonce: int,
    *,
    key: bytes = KEY,
    to: bytes = RECEIVER,
    data: bytes = b"",
    value: int = 1,
    gas_limit: int = 1_000_000,
    chain_id: int = 20350,
) -> bytes:
    unsigned = DynamicFeeTransaction(chain_id, nonce, GWEI, 100 * GWEI, gas_limit, to, value, data, (), 0, 0, 0)
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once the condition is true; fail where it is not for a minute."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the loops that it waits for give no sign of their own
            await asyncio.sleep(0.005)
