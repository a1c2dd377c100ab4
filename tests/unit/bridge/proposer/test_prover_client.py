"""Provers in other processes: started from here, or listening; what the client makes of their deaths and answers."""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop
from proven_chain import ProvenChain, random_chain

from phal2.bridge.proposer.errors import ProverOfAnotherRollup, ProverUnavailable
from phal2.bridge.proposer.prover_channels import ProcessChannel, ProverAddress, ProverCommand, prover_command
from phal2.bridge.proposer.prover_client import ProgramClient
from phal2.bridge.prover import program
from phal2.bridge.prover.claim import claim_signer, config_hash
from phal2.bridge.prover.messages import Description, Refused
from phal2.bridge.prover.prover import Prover

REGISTRY = b"\x44" * 20


@pytest.fixture(scope="module")
def chain() -> ProvenChain:
    return random_chain(31, 3)


@pytest.fixture
def configuration(chain: ProvenChain, tmp_path: Path) -> Path:
    path = tmp_path / "rollup.json"
    path.write_text(json.dumps(chain.config.to_json()))
    return path


@pytest.fixture
async def started(chain: ProvenChain, configuration: Path) -> AsyncIterator[ProgramClient]:
    client = ProgramClient(ProverCommand(prover_command(configuration)), config_hash(chain.config))
    yield client
    await client.close()


async def test_a_prover_that_is_started_keeps_its_key_until_it_is_renewed(
    chain: ProvenChain, started: ProgramClient
) -> None:
    signed = await started.prove(chain.request(1, 3))
    assert signed.claim.output_root == chain.output_root(3)
    address = (await started.description()).address
    asking = asyncio.create_task(started.prove(chain.request(1, 3)))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await started.prove(chain.request(1, 3)) == signed
    assert (await started.description()).address == address
    assert await started.renew()
    assert (await started.description()).address != address


async def test_a_refusal_names_its_check_and_the_next_request_is_served(
    chain: ProvenChain, started: ProgramClient
) -> None:
    with pytest.raises(Refused) as error:
        await started.quote(REGISTRY)
    assert error.value.kind == "NoEnclave"
    assert (await started.prove(chain.request(2, 3))).claim.l2_block_number == 3


def test_a_program_that_is_gone_is_started_again_on_the_event_loop_of_a_devnet(
    chain: ProvenChain, configuration: Path
) -> None:
    async def outlive_the_program() -> None:
        client = ProgramClient(ProverCommand(prover_command(configuration)), config_hash(chain.config))
        # given: a program that was killed while it had nothing to do
        first, channel = await client.description(), client._channel
        assert isinstance(channel, ProcessChannel)
        channel._process.kill()
        async with asyncio.timeout(60):
            await channel._process.wait()
            while not channel.writer.is_closing():  # noqa: ASYNC110 - a pipe's end gives no sign
                await asyncio.sleep(0.01)
        # when, then
        with pytest.raises(ProverUnavailable, match="it ended"):
            await client.prove(chain.request(1, 3))
        assert claim_signer(await client.prove(chain.request(1, 3))) != first.address
        await client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(outlive_the_program())


async def test_a_prover_that_listens_serves_many_and_has_one_key(chain: ProvenChain, configuration: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *prover_command(configuration, ("--listen", "127.0.0.1:0")), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        assert "listening on 127.0.0.1:" in line
        address = ProverAddress("127.0.0.1", int(line.rsplit(":", 1)[1]))
        clients = [ProgramClient(address, config_hash(chain.config)) for _ in range(2)]
        first, second = await asyncio.gather(*(client.prove(chain.request(1, 3)) for client in clients))
        assert first == second
        assert not await clients[0].renew()
        await asyncio.gather(*(client.close() for client in clients))
        later = ProgramClient(address, config_hash(chain.config))
        assert await later.prove(chain.request(1, 3)) == first
        stranger = ProgramClient(address, bytes(32))
        with pytest.raises(ProverOfAnotherRollup):
            await stranger.description()
        await asyncio.gather(later.close(), stranger.close())
    finally:
        process.terminate()
        await process.wait()


async def test_a_connection_that_the_prover_closed_as_idle_is_opened_again(
    chain: ProvenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a prover that closes connections soon
    monkeypatch.setattr(program, "_IDLE_SECONDS", 0.2)
    with program.listen(Prover(chain.config, bytes(32)), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = ProgramClient(ProverAddress("127.0.0.1", server.server_address[1]), config_hash(chain.config))
        async with asyncio.timeout(60):
            description = await described(client)
            channel = client._channel
            assert channel is not None
            # when: it has closed this one, and has more patience with the next
            await channel.reader.read()
        server.RequestHandlerClass.timeout = 60.0
        # then
        signed = await client.prove(chain.request(1, 3))
        assert claim_signer(signed) == description.address
        await client.close()
        server.shutdown()


async def described(client: ProgramClient) -> Description:
    """Ask until a connection lasts as long as question and answer take."""
    while True:
        with suppress(ProverUnavailable):
            return await client.description()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ([sys.executable, "-c", "pass"], "it ended"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "nothing within 0.5 s"),
        ([sys.executable, "-c", "print('x' * 100, flush=True); input()"], "it ended"),
        (["/nowhere/prover"], "cannot be started"),
    ],
)
async def test_programs_that_are_no_provers_are_unavailable(command: list[str], reason: str) -> None:
    client = ProgramClient(ProverCommand(command), bytes(32), answer_seconds=0.5 if "nothing" in reason else 60)
    with pytest.raises(ProverUnavailable, match=reason):
        await client.description()
    await client.close()


async def test_nobody_at_the_address_is_unavailable() -> None:
    client = ProgramClient(ProverAddress("127.0.0.1", 9), bytes(32))
    with pytest.raises(ProverUnavailable, match=r"127\.0\.0\.1:9 cannot be reached"):
        await client.description()
