"""The namespaces that every chain serves, L2 or embedded L1."""

from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.namespaces.attestation import AttestationMethods
from phal2.node.rpc.namespaces.debug import DebugMethods
from phal2.node.rpc.namespaces.debug_trace import TraceMethods
from phal2.node.rpc.namespaces.debug_trace_call import TraceCallMethods
from phal2.node.rpc.namespaces.debug_witness import WitnessMethods
from phal2.node.rpc.namespaces.eth_blocks import BlockMethods
from phal2.node.rpc.namespaces.eth_calls import CallMethods
from phal2.node.rpc.namespaces.eth_chain import ChainMethods
from phal2.node.rpc.namespaces.eth_config import ConfigurationMethods
from phal2.node.rpc.namespaces.eth_filling import FillingMethods
from phal2.node.rpc.namespaces.eth_filters import FilterMethods
from phal2.node.rpc.namespaces.eth_logs import LogMethods
from phal2.node.rpc.namespaces.eth_simulation import SimulationMethods
from phal2.node.rpc.namespaces.eth_state import StateMethods
from phal2.node.rpc.namespaces.eth_synchronous import SynchronousMethods
from phal2.node.rpc.namespaces.eth_transactions import TransactionMethods
from phal2.node.rpc.namespaces.network import NetworkMethods
from phal2.node.rpc.namespaces.ots import OtterscanMethods
from phal2.node.rpc.namespaces.ots_search import OtterscanSearchMethods
from phal2.node.rpc.namespaces.txpool import PoolMethods
from phal2.node.rpc.open_rpc import register_discovery
from phal2.node.rpc.options import RpcOptions
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.transaction_filling import TransactionFiller
from phal2.node.rpc.workers import Workers
from phal2.node.state.rules import L2Rules


def register_chain_methods(
    registry: MethodRegistry,
    chain: ChainService,
    workers: Workers,
    *,
    options: RpcOptions | None = None,
) -> TransactionMethods:
    """Offer eth, net, web3, txpool and debug for a chain, rpc.discover, and on L2 attestation.

    `workers` are those of the server, on which calls and searches run. Methods that are registered later under the same
    name take the place of these. What is returned announces transactions that come to the pool by further methods.
    """
    views = BlockViews(chain)
    options = RpcOptions() if options is None else options
    gas_cap, limits = options.gas_cap, options.search
    ChainMethods(chain, workers).register(registry)
    ConfigurationMethods(chain).register(registry)
    BlockMethods(chain, views, workers).register(registry)
    transactions = TransactionMethods(chain, views, workers)
    transactions.register(registry)
    SynchronousMethods(chain, transactions).register(registry)
    StateMethods(chain, workers).register(registry)
    CallMethods(chain, workers, gas_cap, options.call_seconds).register(registry)
    FillingMethods(TransactionFiller(chain, registry)).register(registry)
    SimulationMethods(chain, workers, gas_cap, options.call_seconds).register(registry)
    LogMethods(chain, views, workers, limits).register(registry)
    FilterMethods(chain, views, workers, limits).register(registry)
    NetworkMethods(chain).register(registry)
    PoolMethods(chain, workers).register(registry)
    DebugMethods(chain, views).register(registry)
    TraceMethods(chain, workers).register(registry)
    TraceCallMethods(chain, workers, gas_cap).register(registry)
    WitnessMethods(chain, workers).register(registry)
    OtterscanMethods(chain, views, workers).register(registry)
    OtterscanSearchMethods(chain, views, workers).register(registry)
    register_discovery(registry)
    if isinstance(chain.rules, L2Rules):
        AttestationMethods(chain, workers).register(registry)
    return transactions
