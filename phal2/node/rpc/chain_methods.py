"""The namespaces that every chain serves, L2 or embedded L1."""

from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.log_search import SearchLimits
from phal2.node.rpc.namespaces.attestation import AttestationMethods
from phal2.node.rpc.namespaces.debug import DebugMethods
from phal2.node.rpc.namespaces.eth_blocks import BlockMethods
from phal2.node.rpc.namespaces.eth_calls import GAS_CAP, CallMethods
from phal2.node.rpc.namespaces.eth_chain import ChainMethods
from phal2.node.rpc.namespaces.eth_filters import FilterMethods
from phal2.node.rpc.namespaces.eth_logs import LogMethods
from phal2.node.rpc.namespaces.eth_state import StateMethods
from phal2.node.rpc.namespaces.eth_transactions import TransactionMethods
from phal2.node.rpc.namespaces.network import NetworkMethods
from phal2.node.rpc.namespaces.txpool import PoolMethods
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.workers import Workers
from phal2.node.state.rules import L2Rules


def register_chain_methods(
    registry: MethodRegistry,
    chain: ChainService,
    workers: Workers,
    *,
    gas_cap: int = GAS_CAP,
    search_limits: SearchLimits | None = None,
) -> None:
    """Offer eth, net, web3, txpool and debug for a chain, and on L2 attestation.

    `workers` are those of the server, on which calls and searches run. Methods that are registered later under the same
    name take the place of these.
    """
    views = BlockViews(chain)
    limits = SearchLimits() if search_limits is None else search_limits
    ChainMethods(chain, workers).register(registry)
    BlockMethods(chain, views, workers).register(registry)
    TransactionMethods(chain, views, workers).register(registry)
    StateMethods(chain, workers).register(registry)
    CallMethods(chain, workers, gas_cap).register(registry)
    LogMethods(chain, views, workers, limits).register(registry)
    FilterMethods(chain, views, workers, limits).register(registry)
    NetworkMethods(chain).register(registry)
    PoolMethods(chain).register(registry)
    DebugMethods(chain, views).register(registry)
    if isinstance(chain.rules, L2Rules):
        AttestationMethods(chain, workers).register(registry)
