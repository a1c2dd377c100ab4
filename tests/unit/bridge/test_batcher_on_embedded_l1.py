"""The batcher on a real L1: what it posts is mined by the embedded L1 and read back by the checked client."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from batcher_rig import KZG
from scripted_chains import BATCHER, BATCHER_KEY, GENESIS_TIME, INBOX, LEGACY, ScriptedL1, ScriptedL2

from phal2.bridge.batcher import Batcher, BatcherSettings, DataAvailability
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.servers import serve_l1
from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.headers import Header
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
from phal2.node.state.rules import L1Rules


class MirroredL1(ScriptedL1):
    """What the scripted L2 reads of L1: here it is filled from the embedded one."""

    def mirror(self, header: Header, transactions: list[RecoveredTransaction]) -> None:
        self.blocks.append((header, transactions))


@pytest.fixture
async def l1(tmp_path: Path) -> AsyncIterator[EmbeddedL1]:
    accounts = L1_SYSTEM_CONTRACTS | {BATCHER: GenesisAccount(balance=10**20)}
    genesis = l1_genesis_block(L1Rules(31337), genesis_state(accounts), GENESIS_TIME, 30_000_000, 10**9)
    l1 = EmbeddedL1.open(tmp_path / "l1", genesis, durable=False)
    yield l1
    await l1.stop()


async def test_blocks_posted_to_the_embedded_l1_become_safe(l1: EmbeddedL1) -> None:
    async with AsyncExitStack() as parts:
        server = await serve_l1(l1, "127.0.0.1", 0)
        parts.push_async_callback(server.stop)
        l1_client = L1Client(server.url)
        parts.push_async_callback(l1_client.close)
        mirror = MirroredL1()
        mirror.blocks.clear()

        async def mine() -> None:
            head = await l1.mine()
            block = await l1_client.block(head.number, [])
            assert block is not None
            mirror.mirror(block.header, [recover_transaction(raw) for raw in block.transactions])

        genesis = l1.store.header(l1.head_id().hash)
        assert genesis is not None
        mirror.mirror(genesis, [])
        l2 = ScriptedL2(mirror)
        await l2.start()
        parts.push_async_callback(l2.stop)
        l2_client = JsonRpcClient(l2.url)
        parts.push_async_callback(l2_client.close)
        settings = BatcherSettings(
            transaction_bytes=1_000, channel_bytes=3_000, data_availability=DataAvailability.CALLDATA
        )
        batcher = Batcher(l1_client, l2_client, l2.config, BATCHER_KEY, settings, kzg=KZG)

        for number in range(12):
            l2.add_block((LEGACY,) * (number % 3))
            await batcher.step()
            await mine()
            l2.derive()
        for _ in range(3):
            await batcher.step()
            await mine()
            l2.derive()

        assert l2.safe == 12
        sent = [transaction for _, transactions in mirror.blocks for transaction in transactions]
        assert all(transaction.transaction.to == INBOX for transaction in sent)
        assert [transaction.transaction.nonce for transaction in sent] == list(range(len(sent)))
        for header, transactions in mirror.blocks:
            assert header.gas_used == sum(transaction.transaction.gas_limit for transaction in transactions)
