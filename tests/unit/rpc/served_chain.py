"""A chain for the RPC tests: real blocks in a real store, sealed when a test says so, behind the real server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from eth_account import Account

from phal2.contracts import encode_call, encode_constructor, load_artefact
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.deposits import encode_deposit
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.headers import Block
from phal2.node.protocol.l1_attributes import L1Attributes, l1_attributes_deposit
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.predeploys import L1_BLOCK, SEQUENCER_FEE_VAULT
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.rpc.chain_methods import register_chain_methods
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer
from phal2.node.rpc.workers import Workers
from phal2.node.state.block_execution import apply_block
from phal2.node.state.environment import BlockEnvironment, l1_environment, l2_environment
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block, l2_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import ChainRules, L1Rules, L2Rules
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore

CHAIN_ID = 20350
START_TIME = 1_750_000_000
GAS_LIMIT = 30_000_000
TIP = 1_000_000

ALICE = Account.from_key(b"\x0a" * 32)
BOB = Account.from_key(b"\x0b" * 32)

L1_ORIGIN = L1Attributes(
    number=7,
    timestamp=START_TIME - 12,
    base_fee=3_000_000_000,
    block_hash=b"\x77" * 32,
    sequence_number=0,
    batcher_address=b"\xba" * 20,
    base_fee_scalar=5_227,
    blob_base_fee_scalar=1_014_213,
    blob_base_fee=1,
)

_CONFIG = RollupConfig(
    l1_chain_id=31337,
    l2_chain_id=CHAIN_ID,
    l1_genesis=BlockId(b"\x11" * 32, 0),
    l2_genesis=BlockId(b"\x22" * 32, 0),
    l2_genesis_time=START_TIME,
    genesis_system_config=SystemConfig(b"\xba" * 20, bytes(32), ecotone_scalar(5_227, 1_014_213), GAS_LIMIT, 250, 6),
    block_time=1,
    batch_inbox_address=b"\xff" * 20,
    deposit_contract_address=b"\xdd" * 20,
    l1_system_config_address=b"\xcc" * 20,
    forks=ALL_THROUGH_ISTHMUS,
)


def address_bytes(address: str) -> bytes:
    """Return the 20 bytes of an address."""
    return bytes.fromhex(address.removeprefix("0x"))


def make_rules(is_l2: bool) -> ChainRules:
    """Return the rules of the test chain, which holds nothing before its genesis."""
    return L2Rules(_CONFIG) if is_l2 else L1Rules(CHAIN_ID)


def make_genesis(rules: ChainRules) -> ExecutedBlock:
    """Return a genesis with two rich accounts, and L1Block on L2."""
    accounts = {address_bytes(account.address): GenesisAccount(balance=10**22) for account in (ALICE, BOB)}
    if isinstance(rules, L1Rules):
        return l1_genesis_block(rules, genesis_state(accounts), START_TIME, GAS_LIMIT, 10**9)
    accounts[L1_BLOCK] = GenesisAccount(nonce=1, code=load_artefact("L1Block").deployed_bytecode)
    return l2_genesis_block(rules, genesis_state(accounts), START_TIME, GAS_LIMIT, 10**9)


class ServedChain:
    """A ChainService whose pool is a list; `seal` makes a block of it."""

    def __init__(self, directory: Path, is_l2: bool = True) -> None:
        self.rules = make_rules(is_l2)
        self.genesis = make_genesis(self.rules)
        self.store = ChainStore.open(directory, self.genesis, CHAIN_ID, durable=False)
        self.verdicts = QuoteVerdicts()
        self.sender_crew = None
        self.chain_id = CHAIN_ID
        self.pool: list[RecoveredTransaction] = []
        self._listeners: list[Callable[[bytes], None]] = []

    def head_id(self) -> BlockId:
        return self.store.head()

    def safe_id(self) -> BlockId:
        return self.store.read_heads().safe

    def finalized_id(self) -> BlockId:
        return self.store.read_heads().finalized

    def pending_environment(self) -> BlockEnvironment:
        return self.environment_on(self.head_id().hash)

    async def submit_transaction(self, raw: bytes, /) -> bytes:
        recovered = recover_transaction(raw)
        self.pool.append(recovered)
        return recovered.hash

    def pending_nonce(self, address: bytes, /) -> int:
        own = {waiting.transaction.nonce for waiting in self.pool if waiting.sender == address}
        nonce = self.nonce(address)
        while nonce in own:
            nonce += 1
        return nonce

    def pending_transactions(self) -> Sequence[RecoveredTransaction]:
        return tuple(self.pool)

    def pending_transaction(self, transaction_hash: bytes, /) -> RecoveredTransaction | None:
        return next((waiting for waiting in self.pool if waiting.hash == transaction_hash), None)

    def suggested_priority_fee(self) -> int:
        return TIP

    def on_new_head(self, callback: Callable[[bytes], None], /) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    # What tests do.

    def nonce(self, address: bytes) -> int:
        header = self.store.header(self.head_id().hash)
        assert header is not None
        return WorldState(self.store, header.state_root).nonce(address)

    def environment_on(self, parent_hash: bytes) -> BlockEnvironment:
        parent = self.store.header(parent_hash)
        assert parent is not None
        if isinstance(self.rules, L1Rules):
            timestamp = parent.timestamp + 12
            return l1_environment(self.rules, parent, parent_hash, timestamp, bytes(20), bytes(32), GAS_LIMIT)
        attributes = PayloadAttributes(
            parent.timestamp + 1, b"\x5a" * 32, SEQUENCER_FEE_VAULT, b"\x5b" * 32, (), False, GAS_LIMIT, 250, 6
        )
        return l2_environment(self.rules, parent, parent_hash, attributes)

    def seal(self, parent_hash: bytes | None = None, extra: Sequence[bytes] = ()) -> Block:
        """Make a block of the pool and the envelopes `extra` on a parent (the head) and make it the head."""
        parent_hash = self.head_id().hash if parent_hash is None else parent_hash
        parent = self.store.header(parent_hash)
        assert parent is not None
        environment = self.environment_on(parent_hash)
        transactions = [*self._attributes(environment), *map(recover_transaction, extra), *self.pool]
        executed = apply_block(
            self.rules, environment, transactions, self.store, parent.state_root, self.store, self.verdicts
        )
        self.pool.clear()
        self.store.write_block(executed)
        for listener in list(self._listeners):
            listener(executed.block.hash)
        return executed.block

    def _attributes(self, environment: BlockEnvironment) -> list[RecoveredTransaction]:
        if isinstance(self.rules, L1Rules):
            return []
        origin = replace(L1_ORIGIN, sequence_number=environment.number)
        deposit = l1_attributes_deposit(self.rules.config, origin, environment.timestamp)
        return [recover_transaction(encode_deposit(deposit))]


@dataclass(frozen=True, slots=True)
class Served:
    """A chain with its server and an HTTP client."""

    chain: ServedChain
    server: RpcServer
    session: aiohttp.ClientSession

    async def ask(self, method: str, *params: Any) -> dict[str, Any]:
        """Return the whole answer."""
        return await self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result; the answer must not be an error."""
        answer = await self.ask(method, *params)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    async def fails(self, method: str, *params: Any) -> tuple[int, str]:
        """Return code and message of the error; the answer must be one."""
        error = (await self.ask(method, *params))["error"]
        return error["code"], error["message"]

    async def post(self, request: Any) -> Any:
        """Return the decoded answer to any JSON value."""
        body = request if isinstance(request, bytes) else orjson.dumps(request)
        headers = {"Content-Type": "application/json"}
        async with self.session.post(self.server.url, data=body, headers=headers) as response:
            assert response.status == 200
            answer = await response.read()
            return orjson.loads(answer) if answer else None

    async def send(self, account: Any = ALICE, **fields: Any) -> str:
        """Sign a transaction of type 2, or of that which the fields make it, send it, and return its hash."""
        defaults: dict[str, Any] = {
            "chainId": CHAIN_ID,
            "nonce": self.chain.pending_nonce(address_bytes(account.address)),
            "gas": 1_000_000,
            "value": 0,
        }
        if "gasPrice" not in fields:
            defaults |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": TIP}
        if "to" in fields and isinstance(fields["to"], bytes):
            fields["to"] = to_checksum_address(fields["to"])
        signed = account.sign_transaction({**defaults, **fields})
        result = await self.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        assert isinstance(result, str)
        return result

    async def deploy_notebook(self) -> bytes:
        """Deploy the contract Notebook in a block of its own; return its address."""
        transaction_hash = await self.send(data=encode_constructor(load_artefact("Notebook"), []), gas=3_000_000)
        self.chain.seal()
        receipt = await self.call("eth_getTransactionReceipt", transaction_hash)
        assert receipt["status"] == "0x1"
        return address_bytes(receipt["contractAddress"])


def notebook_call(function: str, *arguments: Any) -> bytes:
    """Return call data for the contract Notebook."""
    return encode_call(load_artefact("Notebook").abi, function, list(arguments))


async def serve(chain: ServedChain, **options: Any) -> tuple[RpcServer, Workers]:
    """Start a server for a chain on a free port."""
    registry, workers = MethodRegistry(), Workers(2)
    register_chain_methods(registry, chain, workers)
    server = RpcServer(registry, port=0, workers=workers, **options)
    await server.start()
    return server, workers
