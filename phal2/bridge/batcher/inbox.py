"""Where batches go: the part of the rollup configuration that a batcher needs."""

from dataclasses import dataclass
from typing import Protocol

from phal2.node.l1.errors import InvalidAnswer
from phal2.node.l1.json_fields import JsonObject, MalformedField, as_object, data
from phal2.node.l1.json_rpc import JsonRpcClient


class Inbox(Protocol):
    """The L1 chain and the inbox's address on it, and what span batches leave out; a `RollupConfig` is one."""

    @property
    def l1_chain_id(self) -> int:
        """Chain id of L1."""
        ...

    @property
    def batch_inbox_address(self) -> bytes:
        """The 20-byte address that batcher transactions go to."""
        ...

    @property
    def l2_genesis_time(self) -> int:
        """Unix time of the L2 genesis."""
        ...

    @property
    def block_time(self) -> int:
        """Seconds between two L2 blocks."""
        ...

    @property
    def l2_chain_id(self) -> int:
        """Chain id of L2."""
        ...

    @property
    def sequencing_window_size(self) -> int:
        """How many L1 blocks after its L1 origin a batch still counts."""
        ...


@dataclass(frozen=True, slots=True)
class NodeInbox:
    """An inbox as an L2 node describes it; `batcher_address` is the batcher's at genesis."""

    l1_chain_id: int
    batch_inbox_address: bytes
    batcher_address: bytes
    l2_genesis_time: int
    block_time: int
    l2_chain_id: int
    sequencing_window_size: int


async def read_inbox(l2: JsonRpcClient) -> NodeInbox:
    """Ask an L2 node for its rollup configuration (optimism_rollupConfig). Raises an `EndpointError`."""
    method = "optimism_rollupConfig"
    answer = await l2.call(method)
    try:
        config = as_object(answer, "result")
        genesis = as_object(config.get("genesis"), "genesis")
        system_config = as_object(genesis.get("system_config"), "system_config")
        return NodeInbox(
            l1_chain_id=_positive(config, "l1_chain_id"),
            batch_inbox_address=data(config, "batch_inbox_address", 20),
            batcher_address=data(system_config, "batcherAddr", 20),
            l2_genesis_time=_positive(genesis, "l2_time"),
            block_time=_positive(config, "block_time"),
            l2_chain_id=_positive(config, "l2_chain_id"),
            sequencing_window_size=_positive(config, "seq_window_size"),
        )
    except MalformedField as error:
        raise InvalidAnswer(l2.url, f"{method}: {error}") from error


def _positive(config: JsonObject, field: str) -> int:
    number = config.get(field)
    if type(number) is not int or number < 1:
        raise MalformedField(field, "a positive JSON integer", number)
    return number
