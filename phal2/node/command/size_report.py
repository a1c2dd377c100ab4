"""The sizes of a database as text for people and as JSON for machines."""

from collections.abc import Iterable, Sequence
from typing import Final

from phal2.node.storage.inspection import BlockSize, DatabaseSizes
from phal2.node.storage.tables import Table

_MEBIBYTE: Final = 1 << 20


def sizes_as_text(sizes: DatabaseSizes) -> str:
    """Return what a person reads: the chain, the file, a row for each table and each block."""
    identity, heads = sizes.identity, sizes.heads
    lines = [
        f"{sizes.directory}: chain {identity.chain_id}, format {identity.format}",
        f"genesis    0x{identity.genesis_hash.hex()}",
        f"blocks     head {heads.unsafe.number}, safe {heads.safe.number}, finalized {heads.finalized.number}; "
        f"state from block {sizes.oldest_state} on",
        f"file       {sizes.file_bytes / _MEBIBYTE:,.1f} MiB: {sizes.pages:,} pages of {sizes.page_bytes:,} bytes, "
        f"{sizes.free_pages:,} of them free",
        "",
        *_aligned([("table", "entries", "bytes", "of the file"), *_table_rows(sizes)]),
    ]
    if sizes.blocks:
        lines += ["", *_aligned(_block_rows(sizes.blocks))]
    return "\n".join(lines)


def sizes_as_json(sizes: DatabaseSizes) -> dict[str, object]:
    """Return the same as a JSON object; sizes are in bytes."""
    heads = sizes.heads
    return {
        "directory": str(sizes.directory),
        "format": sizes.identity.format,
        "chainId": sizes.identity.chain_id,
        "genesisHash": "0x" + sizes.identity.genesis_hash.hex(),
        "heads": {
            "unsafe": heads.unsafe.number,
            "safe": heads.safe.number,
            "finalized": heads.finalized.number,
        },
        "oldestState": sizes.oldest_state,
        "fileBytes": sizes.file_bytes,
        "pageBytes": sizes.page_bytes,
        "pages": sizes.pages,
        "freePages": sizes.free_pages,
        "tables": {
            table.value: {"entries": size.entries, "bytes": size.pages * sizes.page_bytes}
            for table, size in sizes.tables.items()
        },
        "blocks": [
            {
                "number": block.number,
                "hash": "0x" + block.hash.hex(),
                "transactions": block.transactions,
                "nodes": block.nodes,
                "bytes": block.total,
                "parts": {table.value: size for table, size in block.parts.items()},
            }
            for block in sizes.blocks
        ],
    }


def _table_rows(sizes: DatabaseSizes) -> Iterable[tuple[str, ...]]:
    for table, size in sorted(sizes.tables.items(), key=lambda item: -item[1].pages):
        share = 100 * size.pages / sizes.pages
        yield table.value, f"{size.entries:,}", f"{size.pages * sizes.page_bytes:,}", f"{share:.1f} %"


def _block_rows(blocks: Sequence[BlockSize]) -> list[tuple[str, ...]]:
    """Return a row for each block and the mean; what no block has gets no column."""
    tables = [table for table in Table if any(block.parts.get(table) for block in blocks)]
    header = ("block", "transactions", "bytes", *(table.value for table in tables))
    numbers = [(block.transactions, block.total, *(block.parts.get(table, 0) for table in tables)) for block in blocks]
    means = [sum(column) / len(blocks) for column in zip(*numbers, strict=True)]
    rows = [(str(block.number), *map(_grouped, row)) for block, row in zip(blocks, numbers, strict=True)]
    return [header, *rows, ("mean", f"{means[0]:,.1f}", *map(_grouped, map(round, means[1:])))]


def _grouped(number: int) -> str:
    return f"{number:,}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Return lines with the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        cells = (f"{text:>{width}}" for text, width in zip(others, widths[1:], strict=True))
        yield "  ".join([f"{first:<{widths[0]}}", *cells])
