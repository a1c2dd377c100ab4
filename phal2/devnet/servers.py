"""The devnet's JSON-RPC servers: the node's namespaces, and beside them those of a development chain."""

from collections.abc import Sequence

from phal2.bridge.migration.tree import MigrationTree
from phal2.devnet.accounts import DevAccount
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.evm_namespace import L1EvmNamespace
from phal2.devnet.l2_evm_namespace import L2EvmNamespace
from phal2.devnet.migration_methods import register_migration_methods
from phal2.devnet.signer_namespace import SignerNamespace
from phal2.node.driver.clock import Clock
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.rpc.chain_methods import register_chain_methods
from phal2.node.rpc.optimism import OptimismNamespace
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer
from phal2.node.rpc.workers import Workers

WORKERS_PER_SERVER = 2


async def serve_l1(l1: EmbeddedL1, host: str, port: int, accounts: Sequence[DevAccount] = ()) -> RpcServer:
    """Serve the embedded L1, which signs for `accounts`. Raises `PortTaken` or `CannotListen`."""
    registry, workers = MethodRegistry(), Workers(WORKERS_PER_SERVER)
    register_chain_methods(registry, l1, workers)
    L1EvmNamespace(l1).register(registry)
    SignerNamespace(accounts, l1, registry).register()
    return await _started(RpcServer(registry, host, port, workers=workers))


async def serve_l2(
    node: RollupNode,
    l1: EmbeddedL1,
    clock: Clock,
    migration_tree: MigrationTree | None,
    host: str,
    port: int,
    accounts: Sequence[DevAccount] = (),
) -> RpcServer:
    """Serve a rollup node; the sequencer gets the `evm` namespace, too, and signs for `accounts`.

    Raises `PortTaken` or `CannotListen`.
    """
    registry, workers = MethodRegistry(), Workers(WORKERS_PER_SERVER)
    register_chain_methods(registry, node, workers)
    register_migration_methods(registry, node, workers, migration_tree)
    OptimismNamespace(node).register(registry)
    if node.sequencing is not None:
        L2EvmNamespace(node, l1, clock).register(registry)
        SignerNamespace(accounts, node, registry).register()
    return await _started(RpcServer(registry, host, port, workers=workers))


async def _started(server: RpcServer) -> RpcServer:
    await server.start()
    return server
