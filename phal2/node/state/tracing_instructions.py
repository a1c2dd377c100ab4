"""The instructions of the Ethereum Virtual Machine as traces speak of them: name, stack, and the gas each takes always.

Names are geth's. The gas is the constant part, since the Berlin fork; what depends on operands and state is
`py_evm_tracing_gas`'s business.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from phal2.node.state.rules import Revision

STACK_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction. It takes `pops` words, and is refused with more than `maximum_depth` words on the stack."""

    name: str
    pops: int
    maximum_depth: int
    gas: int
    is_defined: bool = True


# name, pops, pushes, gas; where a row has a first opcode alone, the names follow one another from it on.
_ROWS: Final = (
    (0x00, "STOP 0 0 0|ADD 2 1 3|MUL 2 1 5|SUB 2 1 3|DIV 2 1 5|SDIV 2 1 5|MOD 2 1 5|SMOD 2 1 5"),
    (0x08, "ADDMOD 3 1 8|MULMOD 3 1 8|EXP 2 1 0|SIGNEXTEND 2 1 5"),
    (0x10, "LT 2 1 3|GT 2 1 3|SLT 2 1 3|SGT 2 1 3|EQ 2 1 3|ISZERO 1 1 3|AND 2 1 3|OR 2 1 3|XOR 2 1 3|NOT 1 1 3"),
    (0x1A, "BYTE 2 1 3|SHL 2 1 3|SHR 2 1 3|SAR 2 1 3"),
    (0x20, "KECCAK256 2 1 30"),
    (0x30, "ADDRESS 0 1 2|BALANCE 1 1 100|ORIGIN 0 1 2|CALLER 0 1 2|CALLVALUE 0 1 2|CALLDATALOAD 1 1 3"),
    (0x36, "CALLDATASIZE 0 1 2|CALLDATACOPY 3 0 3|CODESIZE 0 1 2|CODECOPY 3 0 3|GASPRICE 0 1 2|EXTCODESIZE 1 1 100"),
    (0x3C, "EXTCODECOPY 4 0 100|RETURNDATASIZE 0 1 2|RETURNDATACOPY 3 0 3|EXTCODEHASH 1 1 100"),
    (
        0x40,
        "BLOCKHASH 1 1 20|COINBASE 0 1 2|TIMESTAMP 0 1 2|NUMBER 0 1 2|DIFFICULTY 0 1 2|GASLIMIT 0 1 2|CHAINID 0 1 2",
    ),
    (0x47, "SELFBALANCE 0 1 5|BASEFEE 0 1 2|BLOBHASH 1 1 3|BLOBBASEFEE 0 1 2"),
    (0x50, "POP 1 0 2|MLOAD 1 1 3|MSTORE 2 0 3|MSTORE8 2 0 3|SLOAD 1 1 0|SSTORE 2 0 0|JUMP 1 0 8|JUMPI 2 0 10"),
    (0x58, "PC 0 1 2|MSIZE 0 1 2|GAS 0 1 2|JUMPDEST 0 0 1|TLOAD 1 1 100|TSTORE 2 0 100|MCOPY 3 0 3|PUSH0 0 1 2"),
    (0xA0, "LOG0 2 0 0|LOG1 3 0 0|LOG2 4 0 0|LOG3 5 0 0|LOG4 6 0 0"),
    (0xF0, "CREATE 3 1 32000|CALL 7 1 100|CALLCODE 7 1 100|RETURN 2 0 0|DELEGATECALL 6 1 100|CREATE2 4 1 32000"),
    (0xFA, "STATICCALL 6 1 100"),
    (0xFD, "REVERT 2 0 0"),
    (0xFF, "SELFDESTRUCT 1 0 5000"),
)

_INVALID: Final = 0xFE
_SINCE: Final = {
    0x5F: Revision.SHANGHAI,
    0x49: Revision.CANCUN,
    0x4A: Revision.CANCUN,
    0x5C: Revision.CANCUN,
    0x5D: Revision.CANCUN,
    0x5E: Revision.CANCUN,
}


@lru_cache(maxsize=len(Revision))
def instructions(revision: Revision) -> tuple[Instruction, ...]:
    """Return the 256 instructions of a revision, by opcode."""
    table = {}
    for first, row in _ROWS:
        for opcode, entry in enumerate(row.split("|"), first):
            name, pops, pushes, gas = entry.split()
            table[opcode] = _instruction(name, int(pops), int(pushes), int(gas))
    for size in range(1, 33):
        table[0x5F + size] = _instruction(f"PUSH{size}", 0, 1, 3)
    for position in range(1, 17):
        table[0x7F + position] = _instruction(f"DUP{position}", position, position + 1, 3)
        table[0x8F + position] = _instruction(f"SWAP{position}", position + 1, position + 1, 3)
    for opcode in set(range(256)) - table.keys():
        table[opcode] = _undefined("INVALID" if opcode == _INVALID else f"opcode {opcode:#x} not defined")
    for opcode, first in _SINCE.items():
        if revision < first:
            table[opcode] = _undefined(table[opcode].name)
    return tuple(table[opcode] for opcode in range(256))


def instruction_name(opcode: int) -> str:
    """Return the name of an instruction of the newest revision, in geth's words also where there is none."""
    return instructions(Revision.PRAGUE)[opcode].name


def _instruction(name: str, pops: int, pushes: int, gas: int) -> Instruction:
    return Instruction(name, pops, STACK_LIMIT + pops - pushes, gas)


def _undefined(name: str) -> Instruction:
    return Instruction(name, 0, STACK_LIMIT, 0, is_defined=False)
