"""`phal2 channel decode` on data of real networks."""

import json
from pathlib import Path
from typing import Any

import pytest

from phal2.devnet.command.main import main


def decode(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    assert main(["channel", "decode", *map(str, arguments)]) == 0
    channels: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["channels"]
    return channels


def test_the_real_channel_of_op_mainnet(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = vectors / "span-batches" / "op-mainnet-channel.hex"
    terms = ("--genesis-time", "1686789347", "--block-time", "2", "--chain-id", "10")
    (channel,) = decode(capsys, *terms, file)
    assert (channel["compression"], channel["compressed_bytes"], channel["error"]) == ("zlib", 615_361, None)
    assert channel["content_bytes"] == 1_409_463
    (batch,) = channel["batches"]
    assert batch["type"] == "span"
    assert batch["relative_timestamp"] == 32_295_734
    assert batch["l1_origin_number"] == 20_089_770
    assert (batch["block_count"], batch["origin_changes"]) == (143, 24)
    transactions = [transaction for block in batch["blocks"] for transaction in block["transactions"]]
    assert len(transactions) == batch["transaction_count"] == 1_766
    assert all("error" not in transaction for transaction in transactions)
    assert batch["blocks"][0]["timestamp"] == 1_686_789_347 + 32_295_734


def test_a_blob_that_op_node_wrote(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terms = ("--genesis-time", "0", "--block-time", "2", "--chain-id", "10")
    (channel,) = decode(capsys, *terms, "--summary", vectors / "blobs" / "blob9.txt")
    assert channel["is_ready"] is True
    assert channel["error"] is None
    assert len(channel["batches"]) == 1
