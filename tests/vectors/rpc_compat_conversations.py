"""The conversations of the rpc-compat suite: how they are read, and when an answer is as good as the recorded one.

Answers are compared as the rpc-compat simulator of ethereum/hive does: numbers as floats, the message of an error left
aside where both sides have one, and those of a conversation marked `speconly` by their shape.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_QUANTITY = re.compile("0x(0|[1-9a-f][0-9a-f]*)")
_DATA = re.compile("0x([0-9a-f]{2})*")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it was sent, and the recorded answer."""

    request: str
    answer: Any


@dataclass(frozen=True, slots=True)
class Conversation:
    """A file of the suite; `name` is folder and file without the suffix."""

    name: str
    is_shape_only: bool
    exchanges: tuple[Exchange, ...]


def read_conversation(suite: Path, name: str) -> Conversation:
    """Read a conversation."""
    lines = (suite / f"{name}.io").read_text().splitlines()
    requests = [line[3:] for line in lines if line.startswith(">> ")]
    answers = [json.loads(line[3:], parse_int=float) for line in lines if line.startswith("<< ")]
    is_shape_only = any(line.startswith("// speconly") for line in lines)
    exchanges = tuple(Exchange(request, answer) for request, answer in zip(requests, answers, strict=True))
    return Conversation(name, is_shape_only, exchanges)


def conversation_names(suite: Path) -> list[str]:
    """Return the names of all conversations in the order in which the simulator holds them."""
    return sorted(f"{path.parent.name}/{path.stem}" for path in suite.glob("*/*.io"))


def differences(conversation: Conversation, exchange: Exchange, answer: Any) -> list[str]:
    """Return where an answer is not as recorded, a line each."""
    recorded = exchange.answer
    if "error" in recorded and "error" in answer:
        recorded, answer = _without_message(recorded), _without_message(answer)
    if conversation.is_shape_only:
        return list(_shape_differences(recorded, answer, "answer"))
    return list(_differences(recorded, answer, "answer"))


def _without_message(answer: dict[str, Any]) -> dict[str, Any]:
    error = {name: value for name, value in answer["error"].items() if name != "message"}
    return {**answer, "error": error}


def _differences(recorded: Any, given: Any, path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(given, dict):
        yield from _name_differences(recorded, given, path)
        for name in recorded.keys() & given.keys():
            yield from _differences(recorded[name], given[name], f"{path}.{name}")
    elif isinstance(recorded, list) and isinstance(given, list):
        if len(recorded) != len(given):
            yield f"{path} has {len(given)} items, recorded are {len(recorded)}"
        for index, (expected, actual) in enumerate(zip(recorded, given, strict=False)):
            yield from _differences(expected, actual, f"{path}[{index}]")
    elif type(recorded) is not type(given) or recorded != given:
        yield f"{path} is {_shown(given)}, recorded is {_shown(recorded)}"


def _shape_differences(recorded: Any, given: Any, path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(given, dict):
        yield from _name_differences(recorded, given, path)
        for name in recorded.keys() & given.keys():
            yield from _shape_differences(recorded[name], given[name], f"{path}.{name}")
    elif isinstance(recorded, list) and isinstance(given, list):
        for index, (expected, actual) in enumerate(zip(recorded, given, strict=False)):
            yield from _shape_differences(expected, actual, f"{path}[{index}]")
    elif type(recorded) is not type(given):
        yield f"{path} is {_shown(given)}, recorded is {_shown(recorded)}"
    elif isinstance(recorded, str) and not _encoding(recorded) & _encoding(given):
        yield f"{path} is {_shown(given)}, which is not written as {_shown(recorded)} is"


def _name_differences(recorded: dict[str, Any], given: dict[str, Any], path: str) -> Iterator[str]:
    for name in sorted(recorded.keys() - given.keys()):
        yield f"{path}.{name} is missing, recorded is {_shown(recorded[name])}"
    for name in sorted(given.keys() - recorded.keys()):
        yield f"{path}.{name} is {_shown(given[name])}, which the recorded answer does not have"


def _encoding(text: str) -> set[str]:
    """Return how a text may be meant: as a quantity, as data, or as neither."""
    encodings = {name for name, pattern in (("quantity", _QUANTITY), ("data", _DATA)) if pattern.fullmatch(text)}
    return encodings or {"text"}


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
