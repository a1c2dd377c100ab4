"""`phal2 batcher`: its arguments, its refusals, and a run until interrupted."""

import argparse
import asyncio
import os
import signal
from pathlib import Path

import pytest
from scripted_chains import BATCHER_KEY, ScriptedL1, ScriptedL2

from phal2.bridge.batcher import BatcherSettings, DataAvailability
from phal2.bridge.batcher.command import add_batcher_parser, run_batcher
from phal2.bridge.batcher.inbox import read_inbox
from phal2.bridge.chain_access.errors import InvalidKey, WrongChain
from phal2.node.l1.errors import EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_rpc import JsonRpcClient

URLS = ["--l1", "http://127.0.0.1:1", "--l2", "http://127.0.0.1:1"]


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="phal2")
    add_batcher_parser(parser.add_subparsers())
    return parser.parse_args(["batcher", *arguments])


def test_help_teaches_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("--help")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "waits until the L2 node" in text
    assert "--private-key-file" in text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [*URLS, "--private-key", "0x12"],
        [*URLS, "--private-key", "zz" * 32],
        [*URLS, "--private-key", "00" * 32],
        [*URLS, "--private-key", BATCHER_KEY.hex(), "--poll-interval", "0"],
        [*URLS, "--private-key", BATCHER_KEY.hex(), "--channel-duration", "1.5"],
        [*URLS, "--private-key", BATCHER_KEY.hex(), "--private-key-file", "x"],
    ],
)
def test_wrong_usage_ends_with_code_2_and_does_not_repeat_the_key(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "zz" * 32 not in message
    assert BATCHER_KEY.hex() not in message


def test_a_key_file_that_others_can_read_is_used_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    path.write_text(f"0x{BATCHER_KEY.hex()}\n")
    path.chmod(0o644)
    arguments = parse(*URLS, "--private-key-file", str(path))
    with pytest.raises(EndpointUnavailable):
        arguments.run(arguments)
    assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"12", b"\xff\xfe", b"zz" * 32])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    arguments = parse(*URLS, "--private-key-file", str(path))
    with pytest.raises(InvalidKey, match="key"):
        arguments.run(arguments)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    arguments = parse(*URLS, "--private-key-file", str(tmp_path / "missing"))
    with pytest.raises(InvalidKey, match="missing"):
        arguments.run(arguments)


def test_a_missing_key_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHAL2_PRIVATE_KEY", raising=False)
    arguments = parse(*URLS)
    with pytest.raises(InvalidKey, match="give --private-key-file FILE"):
        arguments.run(arguments)


async def test_it_posts_until_it_is_interrupted() -> None:
    l1 = ScriptedL1()
    l2 = ScriptedL2(l1)
    await l1.start()
    await l2.start()
    l2.add_block()
    settings = BatcherSettings(poll_interval_seconds=0.001, data_availability=DataAvailability.CALLDATA)
    task = asyncio.create_task(run_batcher(l1.url, l2.url, BATCHER_KEY, settings))
    async with asyncio.timeout(60):
        while l2.safe < 1:
            l1.mine()
            l2.derive()
            await asyncio.sleep(0.002)
    os.kill(os.getpid(), signal.SIGINT)
    await task
    await l1.stop()
    await l2.stop()


async def test_an_l1_endpoint_of_another_chain_is_refused() -> None:
    l1 = ScriptedL1()
    l2 = ScriptedL2(l1)
    l2.answer = lambda *_: {**l2.config.to_json(), "l1_chain_id": 1}
    await l1.start()
    await l2.start()
    with pytest.raises(WrongChain, match="is the chain 31337, but the rollup's is 1:"):
        await run_batcher(l1.url, l2.url, BATCHER_KEY, BatcherSettings())
    await l1.stop()
    await l2.stop()


@pytest.mark.parametrize("answer", [None, [], {}, {"l1_chain_id": "0x1"}, {"genesis": {"system_config": {}}}])
async def test_a_node_without_a_rollup_configuration_is_refused(answer: object) -> None:
    l2 = ScriptedL2(ScriptedL1())
    l2.answer = lambda *_: answer
    await l2.start()
    client = JsonRpcClient(l2.url)
    with pytest.raises(InvalidAnswer, match="optimism_rollupConfig"):
        await read_inbox(client)
    await client.close()
    await l2.stop()
