"""Reads the files that a node begins with: rollup.json and genesis.json."""

from pathlib import Path
from typing import Final

from phal2.node.command.genesis_json import Genesis
from phal2.node.command.json_documents import parse_document
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.span_batches import SpanBatchTerms

LONGEST_ROLLUP_CONFIG: Final = 1 << 20
LONGEST_GENESIS: Final = 256 << 20
"""Bytes. The genesis of a chain with all of OP's predeploys has 9 MiB."""


def read_rollup_config(path: Path) -> RollupConfig:
    """Read a rollup.json. Raises `InvalidConfiguration`, which names the file and the field."""
    try:
        return RollupConfig.from_json(_read_json(path, LONGEST_ROLLUP_CONFIG))
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{path}: {error}") from None


def read_span_batch_terms(path: Path) -> SpanBatchTerms:
    """Read of a rollup.json, of this or another chain, what span batches leave out. Raises `InvalidConfiguration`."""
    try:
        return SpanBatchTerms.from_json(_read_json(path, LONGEST_ROLLUP_CONFIG))
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{path}: {error}") from None


def read_genesis(path: Path) -> Genesis:
    """Read a genesis.json. Raises `InvalidConfiguration`, which names the file and the field."""
    try:
        return Genesis.from_json(_read_json(path, LONGEST_GENESIS))
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{path}: {error}") from None


def _read_json(path: Path, longest: int) -> object:
    try:
        with path.open("rb") as file:
            text = file.read(longest + 1)
    except OSError as error:
        raise InvalidConfiguration(f"cannot be read: {error.strerror or error}") from error
    if len(text) > longest:
        raise InvalidConfiguration(f"is longer than {longest} bytes")
    return parse_document(text)
