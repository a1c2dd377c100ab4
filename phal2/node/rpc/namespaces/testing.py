"""The namespace testing: blocks built to order for test suites (execution-apis, "testing_buildBlockV1")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.headers import Header
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import data, parse_data, parse_quantity, quantity, type_name
from phal2.node.rpc.parameter_types import Data, Hash, ParameterType, list_of, parse_address, parse_hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import ADDRESS, BLOOM, BOOLEAN, DATA, HASH, QUANTITY, fields
from phal2.node.rpc.result_schemas import list_of as array_of
from phal2.node.rpc.workers import Workers
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.database import OverlayDatabase
from phal2.node.state.environment import BlockEnvironment, l1_environment
from phal2.node.state.outcomes import ExecutedBlock, TransactionOutcome
from phal2.node.state.requests import collect_requests
from phal2.node.state.rules import L1Rules, block_rules
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore

MAXIMUM_TRANSACTIONS: Final = 10_000

_PAYLOAD: Final = fields(
    {
        "parentHash": HASH,
        "feeRecipient": ADDRESS,
        "stateRoot": HASH,
        "receiptsRoot": HASH,
        "logsBloom": BLOOM,
        "prevRandao": HASH,
        "blockNumber": QUANTITY,
        "gasLimit": QUANTITY,
        "gasUsed": QUANTITY,
        "timestamp": QUANTITY,
        "extraData": DATA,
        "baseFeePerGas": QUANTITY,
        "blockHash": HASH,
        "transactions": array_of(DATA),
        "withdrawals": array_of({"type": "object"}),
        "blobGasUsed": QUANTITY,
        "excessBlobGas": QUANTITY,
    }
)
_BUILT: Final = fields(
    {
        "executionPayload": _PAYLOAD,
        "blockValue": QUANTITY,
        "blobsBundle": fields(dict.fromkeys(("commitments", "proofs", "blobs"), array_of(DATA))),
        "executionRequests": array_of(DATA),
        "shouldOverrideBuilder": BOOLEAN,
    }
)


@dataclass(frozen=True, slots=True)
class BuildAttributes:
    """What the consensus layer says of a block (PayloadAttributesV3)."""

    timestamp: int
    prev_randao: bytes
    coinbase: bytes
    parent_beacon_block_root: bytes


def parse_build_attributes(value: Any) -> BuildAttributes:
    """Read {timestamp, prevRandao, suggestedFeeRecipient, withdrawals, parentBeaconBlockRoot}."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected payload attributes, got {type_name(value)}")
    if value.get("withdrawals"):
        raise InvalidArgument("withdrawals: this chain has none, so the list must be empty")
    return BuildAttributes(
        timestamp=parse_quantity(value.get("timestamp"), 64),
        prev_randao=parse_hash(value.get("prevRandao")),
        coinbase=parse_address(value.get("suggestedFeeRecipient")),
        parent_beacon_block_root=parse_hash(value.get("parentBeaconBlockRoot")),
    )


Attributes = Annotated[
    BuildAttributes, ParameterType(parse_build_attributes, {"title": "payload attributes", "type": "object"})
]
Envelopes = Annotated[
    tuple[bytes, ...],
    ParameterType(list_of(parse_data, MAXIMUM_TRANSACTIONS), {"title": "transactions", "type": "array"}),
]


@dataclass(frozen=True, slots=True)
class _BlockOrder:
    """A block to build of `envelopes`, or where they are None of what fits of the pool's transactions."""

    environment: BlockEnvironment
    parent_state_root: bytes
    envelopes: tuple[bytes, ...] | None
    pool: Sequence[RecoveredTransaction]


class TestingMethods:
    """Builds blocks on any block of an L1 chain, and stores none of them."""

    # pytest looks for test classes by their names.
    __test__ = False

    def __init__(self, chain: ChainService, rules: L1Rules, workers: Workers) -> None:
        self._chain = chain
        self._rules = rules
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method."""
        registry.add("testing_buildBlockV1", self.build_block, result=_BUILT)

    async def build_block(
        self,
        parent_hash: Hash,
        attributes: Attributes,
        transactions: Envelopes | None = None,
        extra_data: Data | None = None,
    ) -> dict[str, Any]:
        """Return the block that the transactions, null for the pool's, make on a parent; the chain stays as it is.

        Fails where one of the given transactions may not be in the block.
        """
        parent = self._chain.store.header(parent_hash)
        if parent is None:
            raise RpcError(SERVER_ERROR, "unknown parent")
        if attributes.timestamp <= parent.timestamp:
            message = f"timestamp {attributes.timestamp} is not above the parent's, {parent.timestamp}"
            raise RpcError(SERVER_ERROR, message)
        order = _BlockOrder(
            environment=self._environment(parent, parent_hash, attributes, extra_data or b""),
            parent_state_root=parent.state_root,
            envelopes=transactions,
            pool=_by_nonce(self._chain.pending_transactions()) if transactions is None else (),
        )
        return await self._workers.run(_build, self._rules, self._chain.store, self._chain.verdicts, order)

    def _environment(
        self, parent: Header, parent_hash: bytes, attributes: BuildAttributes, extra_data: bytes
    ) -> BlockEnvironment:
        is_head = parent_hash == self._chain.head_id().hash
        return l1_environment(
            self._rules,
            parent,
            parent_hash,
            attributes.timestamp,
            attributes.coinbase,
            attributes.prev_randao,
            self._chain.pending_environment().gas_limit if is_head else parent.gas_limit,
            attributes.parent_beacon_block_root,
            extra_data,
        )


def _by_nonce(pool: Iterable[RecoveredTransaction]) -> list[RecoveredTransaction]:
    signed = [waiting for waiting in pool if not isinstance(waiting.transaction, DepositTransaction)]
    return sorted(signed, key=lambda waiting: getattr(waiting.transaction, "nonce", 0))


def _build(rules: L1Rules, store: ChainStore, verdicts: QuoteVerdicts, order: _BlockOrder) -> dict[str, Any]:
    environment = order.environment
    execution = BlockExecution(rules, environment, store, order.parent_state_root, store, verdicts)
    outcomes: list[TransactionOutcome] = []
    sidecars: list[BlobSidecar] = []
    for transaction in order.pool if order.envelopes is None else map(recover_transaction, order.envelopes):
        try:
            outcomes.append(execution.apply(transaction))
        except InvalidTransaction:
            if order.envelopes is not None:
                raise
        else:
            sidecars += transaction.sidecars
    # Asking for the requests changes the system contracts, and sealing asks for them itself.
    update = execution.state.commit()
    world = WorldState(OverlayDatabase(update, store), update.state_root)
    scope = BlockScope(block_rules(rules, environment.timestamp), environment, world, store, verdicts)
    requests = collect_requests(scope, (log for outcome in outcomes for log in outcome.receipt.logs))
    value = sum(outcome.gas_used * (outcome.effective_gas_price - environment.base_fee_per_gas) for outcome in outcomes)
    return _format(execution.seal(), value, requests, sidecars)


def _format(
    executed: ExecutedBlock, value: int, requests: Sequence[bytes], sidecars: Sequence[BlobSidecar]
) -> dict[str, Any]:
    block, header = executed.block, executed.block.header
    payload = {
        "parentHash": data(header.parent_hash),
        "feeRecipient": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipts_root),
        "logsBloom": data(header.bloom),
        "prevRandao": data(header.prev_randao),
        "blockNumber": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "baseFeePerGas": quantity(header.base_fee_per_gas or 0),
        "blockHash": data(block.hash),
        "transactions": [data(envelope) for envelope in block.transactions],
        "withdrawals": [],
        "blobGasUsed": quantity(header.blob_gas_used or 0),
        "excessBlobGas": quantity(header.excess_blob_gas or 0),
    }
    return {
        "executionPayload": payload,
        "blockValue": quantity(value),
        "blobsBundle": {
            "commitments": [data(sidecar.commitment) for sidecar in sidecars],
            "proofs": [data(sidecar.proof) for sidecar in sidecars],
            "blobs": [data(sidecar.blob) for sidecar in sidecars],
        },
        "executionRequests": [data(request) for request in requests],
        "shouldOverrideBuilder": False,
    }
