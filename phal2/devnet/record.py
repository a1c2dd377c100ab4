"""What a data directory must remember of its devnet, so that a later start gives the same chains."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phal2.bridge.whole_files import write_whole
from phal2.devnet.settings import SEQUENCING_WINDOW, DevnetSettings
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.errors import Phal2Error

_FILE_NAME: Final = "devnet.json"
_MARK_NAME: Final = "devnet.unfinished"
_FORMAT_VERSION: Final = 3
"""Another one for each change of what is computed from a record, the genesis blocks before all."""

_ADDED_SETTINGS: Final[dict[str, object]] = {"sequencing-window": SEQUENCING_WINDOW}
"""Settings that a record may lack, and what they are then."""


class DataDirectoryError(Phal2Error):
    """A data directory that this devnet cannot go on with. Nothing in it was changed."""


@dataclass(frozen=True, slots=True)
class DevnetRecord:
    """The devnet's beginning: Unix time of L1's genesis, and the L1 block with the contracts, where L2 begins.

    `salt` makes the accounts of the devnet's parts new to an L1 that others use, too; else it is empty.
    """

    l1_genesis_time: int
    l1_start: L1BlockRef
    salt: bytes = b""


def read_record(data_dir: Path, settings: DevnetSettings) -> DevnetRecord | None:
    """Return what the directory remembers, None where it holds no devnet yet.

    Raises `DataDirectoryError` where the record cannot be read or was made with other settings than are asked for.
    """
    path = data_dir / _FILE_NAME
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataDirectoryError(f"{path} cannot be read: {error}") from error
    try:
        if document["version"] != _FORMAT_VERSION:
            raise DataDirectoryError(
                f"{path} has format version {document['version']}, this phal2 reads version {_FORMAT_VERSION}; "
                "use the phal2 that made it, or another directory"
            )
        _check_settings(path, document["settings"], settings)
        start = document["l1Start"]
        return DevnetRecord(
            l1_genesis_time=int(document["l1GenesisTime"]),
            l1_start=L1BlockRef(
                hash=bytes.fromhex(start["hash"]),
                number=int(start["number"]),
                parent_hash=bytes.fromhex(start["parentHash"]),
                timestamp=int(start["timestamp"]),
            ),
            salt=bytes.fromhex(document["salt"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataDirectoryError(f"{path} is damaged: {error!r}; use another directory") from error


def write_record(data_dir: Path, settings: DevnetSettings, record: DevnetRecord) -> None:
    """Write the record, as a whole or not at all. Raises `FileNotWritten` or `DataDirectoryError`."""
    document = {
        "version": _FORMAT_VERSION,
        "settings": _lasting_settings(settings),
        "l1GenesisTime": record.l1_genesis_time,
        "salt": record.salt.hex(),
        "l1Start": {
            "hash": record.l1_start.hash.hex(),
            "number": record.l1_start.number,
            "parentHash": record.l1_start.parent_hash.hex(),
            "timestamp": record.l1_start.timestamp,
        },
    }
    write_whole(data_dir / _FILE_NAME, json.dumps(document, indent=2))
    mark = data_dir / _MARK_NAME
    try:
        mark.unlink(missing_ok=True)
    except OSError as error:
        raise DataDirectoryError(f"{mark} cannot be removed: {error}") from error


def discard_unfinished_start(data_dir: Path, l1_path: Path) -> None:
    """Remove what a start has left that ended before its record was written, and mark the start that begins now.

    Nobody relies on such a chain yet. Raises `DataDirectoryError` where `l1_path` is there but not of such a start.
    """
    mark = data_dir / _MARK_NAME
    try:
        if l1_path.exists() and not mark.exists():
            raise DataDirectoryError(f"{data_dir} holds {l1_path.name} but no {_FILE_NAME}; use another directory")
        shutil.rmtree(l1_path, ignore_errors=True)
        mark.touch()
    except OSError as error:
        raise DataDirectoryError(f"{mark} cannot be written: {error}") from error


def _lasting_settings(settings: DevnetSettings) -> dict[str, object]:
    """Return the settings that the chains' genesis depends on, under the names of the command's options."""
    return {
        "l1": "external" if settings.is_on_external_l1 else settings.l1,
        "l1-block-time": settings.l1_block_time,
        "l2-block-time": settings.l2_block_time,
        "l1-chain-id": settings.l1_chain_id,
        "l2-chain-id": settings.l2_chain_id,
        "mnemonic": settings.mnemonic,
        "accounts": settings.account_count,
        "balance": str(settings.balance),
        "l1-gas-limit": settings.l1_gas_limit,
        "l2-gas-limit": settings.l2_gas_limit,
        "owner-claim-delay": settings.owner_claim_delay,
        "proof-maturity-delay": settings.proof_maturity_delay,
        "game-finality-delay": settings.game_finality_delay,
        "challenge-period": settings.challenge_period,
        "sequencing-window": settings.sequencing_window,
    }


def _check_settings(path: Path, recorded: dict[str, object], settings: DevnetSettings) -> None:
    known = _ADDED_SETTINGS | recorded
    for name, value in _lasting_settings(settings).items():
        if known[name] != value:
            raise DataDirectoryError(
                f"{path.parent} holds a devnet made with --{name} {known[name]}, but {value} is asked for; "
                "give the same value, or use another directory"
            )
