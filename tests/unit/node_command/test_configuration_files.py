import json
from pathlib import Path

import pytest

from phal2.node.command import configuration_files, json_documents
from phal2.node.command.configuration_files import read_genesis, read_rollup_config
from phal2.node.protocol.configuration_fields import InvalidConfiguration


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "file.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("read", [read_rollup_config, read_genesis])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        ("NaN", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"a":' * 2_000 + "1" + "}" * 2_000, "is not JSON"),
        ('{"config": {"chainId": 1, "chainId": 2}}', "chainId is there twice in one object"),
        ("[]", "expected an object"),
        ("{}", "is missing"),
    ],
)
def test_what_is_no_configuration_is_refused_with_the_files_name(
    tmp_path: Path, read: object, text: str | bytes, reason: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(InvalidConfiguration, match=reason) as refusal:
        read(path)
    assert str(refusal.value).startswith(f"{path}: ")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"rollup\.json: cannot be read: No such file"):
        read_rollup_config(tmp_path / "rollup.json")


def test_a_file_beyond_the_limit_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration_files, "LONGEST_GENESIS", 100)

    with pytest.raises(InvalidConfiguration, match="is longer than 100 bytes"):
        read_genesis(written(tmp_path, json.dumps("x" * 100)))


@pytest.mark.parametrize("text", ["[" + "[]," * 5 + "[]]", "{" + ",".join(f'"{name}":{{}}' for name in range(6)) + "}"])
def test_a_document_of_too_many_values_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(json_documents, "MOST_VALUES", 10)

    with pytest.raises(InvalidConfiguration, match="has 12 values, of which at most 10 are read"):
        read_genesis(written(tmp_path, text))
