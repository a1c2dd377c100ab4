"""The devnet's JSON-RPC servers: the node's namespaces, and beside them those of a development chain."""

from collections.abc import Mapping, Sequence

from phal2.bridge.migration.tree import MigrationTree
from phal2.devnet.accounts import DevAccount
from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.development.l2_chain import L2Development
from phal2.devnet.development.registration import register_development_methods
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.beacon_api import BEACON_PATHS, BeaconApi
from phal2.devnet.migration_methods import register_migration_methods
from phal2.devnet.signer_namespace import SignerNamespace
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.rpc.admin import AdminNamespace
from phal2.node.rpc.chain_methods import register_chain_methods
from phal2.node.rpc.monitoring import Monitoring
from phal2.node.rpc.namespaces.testing import TestingMethods
from phal2.node.rpc.node_monitoring import monitor_chain, monitor_node
from phal2.node.rpc.optimism import OptimismNamespace
from phal2.node.rpc.options import RpcOptions
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import PathHandler, RpcServer
from phal2.node.rpc.workers import Workers

WORKERS_PER_SERVER = 2


async def serve_l1(
    l1: EmbeddedL1,
    host: str,
    port: int,
    accounts: Sequence[DevAccount] = (),
    development: L1Development | None = None,
    options: RpcOptions | None = None,
) -> RpcServer:
    """Serve the embedded L1, which signs for `accounts`, with the development methods where `development` is given.

    The beacon API's blob endpoints are on the same port.
    Raises `PortTaken` or `CannotListen`.
    """
    options = RpcOptions() if options is None else options
    registry, workers = MethodRegistry(), Workers(WORKERS_PER_SERVER)
    transactions = register_chain_methods(registry, l1, workers, options=options)
    if development is not None:
        register_development_methods(registry, development, workers)
        TestingMethods(l1, l1.rules, workers).register(registry)
    SignerNamespace(accounts, l1, registry, transactions.announce, development).register()
    paths = {BEACON_PATHS: BeaconApi(l1, workers, options.access).answer}
    return await _started(registry, host, port, workers, options, monitor_chain(l1, Monitoring()), paths)


async def serve_l2(
    node: RollupNode,
    migration_tree: MigrationTree | None,
    host: str,
    port: int,
    accounts: Sequence[DevAccount] = (),
    development: L2Development | None = None,
    options: RpcOptions | None = None,
) -> RpcServer:
    """Serve a rollup node; the sequencer signs for `accounts`, and has the development methods where they are given.

    Raises `PortTaken` or `CannotListen`.
    """
    options = RpcOptions() if options is None else options
    registry, workers = MethodRegistry(), Workers(WORKERS_PER_SERVER)
    transactions = register_chain_methods(registry, node, workers, options=options)
    register_migration_methods(registry, node, workers, migration_tree)
    OptimismNamespace(node).register(registry)
    if development is not None:
        register_development_methods(registry, development, workers)
    if node.sequencing is not None:
        SignerNamespace(accounts, node, registry, transactions.announce, development).register()
    if options.enable_admin:
        AdminNamespace(node).register(registry)
    return await _started(registry, host, port, workers, options, monitor_node(node))


async def _started(
    registry: MethodRegistry,
    host: str,
    port: int,
    workers: Workers,
    options: RpcOptions,
    monitoring: Monitoring,
    paths: Mapping[str, PathHandler] | None = None,
) -> RpcServer:
    access, limits = options.access, options.limits
    server = RpcServer(
        registry, host, port, workers=workers, access=access, limits=limits, monitoring=monitoring, paths=paths
    )
    await server.start()
    return server
