"""Measures what it costs to prove an L2 block: the witness from the node, and the prover program's execution."""

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.report import MeasurementFailed, Row, Scale, Section
from phal2.bridge.proposer.gathering import Gathering
from phal2.bridge.proposer.prover_channels import ProverCommand, prover_command
from phal2.bridge.proposer.prover_client import ProgramClient
from phal2.bridge.prover.claim import config_hash
from phal2.bridge.prover.configuration import prover_configuration
from phal2.bridge.prover.messages import encode_request
from phal2.devnet.process import DevnetProcess
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

TRANSFERS = (0, 50, 500)
EMPTY_BLOCKS = 64
ROUNDS = 5

_IN_A_BATCH = 50
_GWEI = 10**9


@dataclass
class _Bench:
    devnet: DevnetProcess
    l2: JsonRpcClient
    gathering: Gathering
    prover: ProgramClient
    nonces: list[int]

    async def block_of_transfers(self, count: int) -> int:
        """Have a block of transfers to new accounts sealed and return its number."""
        keys = [bytes.fromhex(account["privateKey"][2:]) for account in self.devnet.accounts]
        envelopes = []
        for index in range(count):
            sender = index % len(keys)
            to = keccak256(b"recipient %d of %d" % (index, count))[:20]
            unsigned = DynamicFeeTransaction(
                self.devnet.l2.chain_id, self.nonces[sender], _GWEI, 100 * _GWEI, 21_000, to, 1, b"", (), 0, 0, 0
            )
            y_parity, r, s = sign(signing_hash(unsigned), keys[sender])
            envelopes.append("0x" + encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s)).hex())
            self.nonces[sender] += 1
        for start in range(0, count, _IN_A_BATCH):
            part = envelopes[start : start + _IN_A_BATCH]
            await self.l2.batch([("eth_sendRawTransaction", [raw]) for raw in part])
        await asyncio.to_thread(self.devnet.l2.mine)
        number = self.devnet.l2.block_number()
        block = self.devnet.l2.request("eth_getBlockByNumber", hex(number), False)
        if len(block["transactions"]) != count + 1:
            raise MeasurementFailed(f"a block of {len(block['transactions'])} transactions, {count + 1} were sent")
        return number

    async def rows(self, name: str, first: int, last: int) -> list[Row]:
        """Prove blocks a few times and return the medians."""
        gathered_in, proven_in, size = [], [], 0
        for _ in range(ROUNDS):
            start = time.perf_counter()
            gathered = await self.gathering.gather(first, last)
            gathered_in.append(time.perf_counter() - start)
            size = len(encode_request(gathered.request))
            start = time.perf_counter()
            signed = await self.prover.prove(gathered.request)
            proven_in.append(time.perf_counter() - start)
            answer = self.devnet.l2.request("optimism_outputAtBlock", hex(last))
            if answer["outputRoot"] != f"0x{signed.claim.output_root.hex()}":
                raise MeasurementFailed("the prover's output root is not the node's")
        return [
            Row(f"{name}: gathered", round(median(gathered_in) * 1_000, 1), "ms", f"{size:,} bytes of request"),
            Row(f"{name}: proven", round(median(proven_in) * 1_000, 1), "ms"),
        ]


def measure_proving(_: Scale) -> Section:
    """Prove blocks of a devnet whose blocks come when they are asked for."""
    return Section("Proving L2 blocks, median of five", tuple(asyncio.run(_measure())))


async def _measure() -> list[Row]:
    options = ("--no-proposer", "--l1-block-time", "600", "--l2-block-time", "600")
    with DevnetProcess.start(*options) as devnet, tempfile.TemporaryDirectory() as folder:
        l1, l2 = L1Client(devnet.l1.url), JsonRpcClient(devnet.l2.url)
        config = RollupConfig.from_json(await l2.call("optimism_rollupConfig"))
        path = Path(folder) / "rollup.json"
        path.write_bytes(prover_configuration(config))
        start = time.perf_counter()
        prover = ProgramClient(ProverCommand(prover_command(path)), config_hash(config))
        await prover.description()
        rows = [Row("the prover program: started", round((time.perf_counter() - start) * 1_000), "ms")]
        bench = _Bench(devnet, l2, Gathering(config, l1, l2), prover, [0] * len(devnet.accounts))
        try:
            for count in TRANSFERS:
                number = await bench.block_of_transfers(count)
                rows += await bench.rows(f"a block of {count} transfers", number, number)
            head = devnet.l2.block_number()
            devnet.l2.mine(EMPTY_BLOCKS)
            rows += await bench.rows(f"{EMPTY_BLOCKS} empty blocks", head + 1, head + EMPTY_BLOCKS)
        finally:
            await prover.close()
            await l2.close()
            await l1.close()
    return rows
