"""Offers the development methods of a chain at its JSON-RPC server."""

from phal2.devnet.development.chain import DevelopmentChain
from phal2.devnet.development.header_methods import L1HeaderMethods, register_l2_refusals
from phal2.devnet.development.inert_methods import register_inert_methods
from phal2.devnet.development.information_methods import InformationMethods
from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.development.mining_methods import MiningMethods
from phal2.devnet.development.pool_methods import PoolMethods
from phal2.devnet.development.snapshot_methods import SnapshotMethods
from phal2.devnet.development.state_methods import StateMethods
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.workers import Workers


def register_development_methods(registry: MethodRegistry, chain: DevelopmentChain, workers: Workers) -> None:
    """Offer the namespaces evm, anvil and hardhat."""
    MiningMethods(chain).register(registry)
    StateMethods(chain, workers).register(registry)
    SnapshotMethods(chain).register(registry)
    PoolMethods(chain).register(registry)
    InformationMethods(chain).register(registry)
    register_inert_methods(registry)
    if isinstance(chain, L1Development):
        L1HeaderMethods(chain).register(registry)
    else:
        register_l2_refusals(registry)
