"""Runs one L2 node with its JSON-RPC server, from the first check of its L1 endpoint to the end."""

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from phal2.node.command.configuration_files import read_genesis, read_rollup_config
from phal2.node.command.interpreter import keep_what_is_loaded, tune_interpreter
from phal2.node.command.open_files import allow_many_open_files
from phal2.node.command.progress import log_progress, progress_line
from phal2.node.driver.clock import Clock
from phal2.node.driver.lasting_tasks import begin_task, end_task, why_ended
from phal2.node.driver.rollup_node import NodeSettings, RollupNode
from phal2.node.l1.client import L1Client
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.rpc.admin import AdminNamespace
from phal2.node.rpc.chain_methods import register_chain_methods
from phal2.node.rpc.node_monitoring import monitor_node
from phal2.node.rpc.optimism import OptimismNamespace
from phal2.node.rpc.options import RpcOptions
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer
from phal2.node.rpc.workers import Workers

log = logging.getLogger("phal2.node")

_WORKERS = 4

_FIRST_ATTEMPTS = 4
"""Of a request at the start: who has the URL wrong need not wait for long, and a busy endpoint ends no node."""


class NodeFailed(Phal2Error):
    """A part of the node that should run as long as the node does has ended."""


class WrongL1(InvalidConfiguration):
    """An L1 endpoint of another chain than the rollup's."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What `phal2 node` was told: files, endpoints, and whether it builds blocks or follows.

    `sequencer_url` is where a follower hands transactions on to, None for nowhere; `state_retention` is the number of
    newest blocks whose state is kept, None for all.
    """

    l1_url: str
    l1_beacon_url: str | None
    rollup_config: Path
    genesis: Path
    data_dir: Path
    host: str
    port: int
    is_sequencer: bool
    sequencer_url: str | None
    state_retention: int | None
    as_json: bool
    progress_seconds: float
    rpc: RpcOptions


async def run_node(options: NodeOptions) -> None:
    """Run until cancelled. Raises the `Phal2Error` that says why the node cannot begin, or has failed."""
    tune_interpreter()
    allow_many_open_files()
    config = read_rollup_config(options.rollup_config)
    genesis = read_genesis(options.genesis).block(config)
    async with AsyncExitStack() as parts:
        l1 = L1Client(options.l1_url, attempts=_FIRST_ATTEMPTS)
        parts.push_async_callback(l1.close)
        await _check_l1(l1, config)
        settings = NodeSettings(
            options.data_dir,
            options.l1_url,
            options.is_sequencer,
            l1_beacon_url=options.l1_beacon_url,
            state_retention=options.state_retention,
            sequencer_url=options.sequencer_url,
        )
        node = RollupNode(settings, config, genesis, Clock())
        parts.push_async_callback(node.stop)
        server = await _serve(node, options)
        parts.push_async_callback(server.stop)
        await node.start()
        keep_what_is_loaded()
        log.info(
            "%s of chain %d: JSON-RPC at %s, L1 at %s, data in %s; %s",
            "sequencer" if options.is_sequencer else "follower",
            config.l2_chain_id,
            server.url,
            l1.rpc.url,
            options.data_dir,
            progress_line(node),
        )
        if options.as_json:
            endpoint = {"rpc": server.url, "ws": "ws" + server.url.removeprefix("http"), "chainId": config.l2_chain_id}
            print(json.dumps(endpoint), flush=True)
        progress = begin_task("its reports of progress", log_progress(node, options.progress_seconds))
        parts.push_async_callback(end_task, progress)
        try:
            await _until_a_part_ends((*node.tasks, progress))
        finally:
            log.info("stopping; %s", progress_line(node))


async def _check_l1(l1: L1Client, config: RollupConfig) -> None:
    """Hold the endpoint against the configuration: another chain would be derived in vain, block after block."""
    chain_id = await l1.chain_id()
    if chain_id != config.l1_chain_id:
        raise WrongL1(
            f"{l1.rpc.url} serves chain {chain_id}, but the rollup's L1 is chain {config.l1_chain_id}; "
            "give the endpoint of that chain"
        )
    origin = config.l1_genesis
    found = await l1.block_ref(origin.number)
    if found is None or found.hash != origin.hash:
        block = "no block" if found is None else f"block 0x{found.hash.hex()}"
        raise WrongL1(
            f"{l1.rpc.url} has {block} at number {origin.number}, where the rollup begins on L1 block "
            f"0x{origin.hash.hex()}; give an endpoint that has it, or another rollup configuration"
        )


async def _serve(node: RollupNode, options: NodeOptions) -> RpcServer:
    registry, workers = MethodRegistry(), Workers(_WORKERS)
    register_chain_methods(registry, node, workers, options=options.rpc)
    OptimismNamespace(node).register(registry)
    if options.rpc.enable_admin:
        AdminNamespace(node).register(registry)
    server = RpcServer(
        registry,
        options.host,
        options.port,
        workers=workers,
        access=options.rpc.access,
        limits=options.rpc.limits,
        monitoring=monitor_node(node),
    )
    await server.start()
    return server


async def _until_a_part_ends(tasks: "tuple[asyncio.Task[None], ...]") -> None:
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in ended:
        raise NodeFailed(f"the node has stopped working, {task.get_name()}: {why_ended(task)}")
