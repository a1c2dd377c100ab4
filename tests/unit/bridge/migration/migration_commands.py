"""Runs `phal2 migration …` as the command line does."""

import argparse
import asyncio
from dataclasses import dataclass

import pytest

from phal2.bridge.migration.command import add_migration_parser


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


async def run(capsys: pytest.CaptureFixture[str], *words: str) -> Result:
    """Run a command on a thread, beside the chains that answer it."""
    capsys.readouterr()
    code = await asyncio.to_thread(_run, words)
    captured = capsys.readouterr()
    return Result(code, captured.out, captured.err)


def _run(words: tuple[str, ...]) -> int:
    parser = argparse.ArgumentParser("phal2")
    add_migration_parser(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["migration", *words])
        code = arguments.run(arguments)
    except SystemExit as end:
        code = end.code
    assert isinstance(code, int)
    return code
