"""Where batches go: the part of the rollup configuration that a batcher needs."""

from dataclasses import dataclass
from typing import Protocol

from phal2.node.l1.errors import InvalidAnswer
from phal2.node.l1.json_fields import MalformedField, as_object, data
from phal2.node.l1.json_rpc import JsonRpcClient


class Inbox(Protocol):
    """The L1 chain and the inbox's address on it; a `RollupConfig` is one."""

    @property
    def l1_chain_id(self) -> int:
        """Chain id of L1."""
        ...

    @property
    def batch_inbox_address(self) -> bytes:
        """The 20-byte address that batcher transactions go to."""
        ...


@dataclass(frozen=True, slots=True)
class NodeInbox:
    """An inbox as an L2 node describes it; `batcher_address` is the batcher's at genesis."""

    l1_chain_id: int
    batch_inbox_address: bytes
    batcher_address: bytes


async def read_inbox(l2: JsonRpcClient) -> NodeInbox:
    """Ask an L2 node for its rollup configuration (optimism_rollupConfig). Raises an `EndpointError`."""
    method = "optimism_rollupConfig"
    answer = await l2.call(method)
    try:
        config = as_object(answer, "result")
        system_config = as_object(as_object(config.get("genesis"), "genesis").get("system_config"), "system_config")
        chain_id = config.get("l1_chain_id")
        if type(chain_id) is not int or chain_id < 1:
            raise MalformedField("l1_chain_id", "a positive JSON integer", chain_id)
        return NodeInbox(chain_id, data(config, "batch_inbox_address", 20), data(system_config, "batcherAddr", 20))
    except MalformedField as error:
        raise InvalidAnswer(l2.url, f"{method}: {error}") from error
