// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title FastLZ
/// @notice The length that FastLZ, level 1, compresses data to: what the size of a transaction on L1 is estimated by.
/// @dev The variant of the fee's specification (OP Stack "Fjord"); nothing is written, as the length alone counts.
///      `phal2/node/protocol/fastlz.py` is the same, and what the node charges by.
library FastLZ {
    uint256 private constant WINDOW = 0x1fff;
    uint256 private constant LITERAL_RUN = 32;
    uint256 private constant LONGEST_MATCH = 262;
    uint256 private constant UNMATCHED_TAIL = 13;

    /// @dev Entries of the table, of four bytes each.
    uint256 private constant TABLE_SIZE = 8_192;

    /// @notice Length in bytes of `data` compressed.
    function compressedLength(bytes memory data) internal pure returns (uint256 length) {
        unchecked {
            uint256 limit = data.length > UNMATCHED_TAIL ? data.length - UNMATCHED_TAIL : 0;
            // By the hash of three bytes, where they were seen last.
            bytes memory table = new bytes(limit == 0 ? 0 : TABLE_SIZE * 4);
            uint256 literalsFrom = 0;
            uint256 position = 2;
            while (position < limit) {
                // Walk until three bytes repeat ones seen within the window.
                uint256 candidate;
                while (position < limit) {
                    uint256 word = _threeBytes(data, position);
                    candidate = _exchange(table, word, position);
                    if (_threeBytes(data, candidate) == word && position - candidate <= WINDOW) break;
                    ++position;
                }
                // A match at the last position is not taken.
                if (position + 1 >= limit) break;
                length += _literals(position - literalsFrom);
                uint256 extra = _common(data, candidate + 3, position + 3, limit + 9);
                length += 3 * (extra / LONGEST_MATCH) + (extra % LONGEST_MATCH >= 6 ? 3 : 2);
                position += extra + 1;
                for (uint256 step = 0; step < 2; ++step) {
                    _exchange(table, _threeBytes(data, position), position);
                    ++position;
                }
                literalsFrom = position;
            }
            length += _literals(data.length - literalsFrom);
        }
    }

    /// @dev What `count` bytes that repeat nothing take: a byte more for every run of 32.
    function _literals(uint256 count) private pure returns (uint256) {
        unchecked {
            return count + (count + LITERAL_RUN - 1) / LITERAL_RUN;
        }
    }

    /// @dev How many bytes from `first` equal those from `second`; one less where they agree up to `end`.
    function _common(bytes memory data, uint256 first, uint256 second, uint256 end)
        private
        pure
        returns (uint256 length)
    {
        assembly ("memory-safe") {
            let longest := sub(end, second)
            let left := add(add(data, 32), first)
            let right := add(add(data, 32), second)
            for {} lt(length, longest) { length := add(length, 1) } {
                if iszero(eq(byte(0, mload(add(left, length))), byte(0, mload(add(right, length))))) { break }
            }
            if eq(length, longest) { length := sub(length, 1) }
        }
    }

    /// @dev Three bytes as a number, the first one lowest.
    function _threeBytes(bytes memory data, uint256 position) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            let read := mload(add(add(data, 32), position))
            word := or(byte(0, read), or(shl(8, byte(1, read)), shl(16, byte(2, read))))
        }
    }

    /// @dev Enters `position` under the hash of `word`, and returns what stood there.
    function _exchange(bytes memory table, uint256 word, uint256 position) private pure returns (uint256 previous) {
        assembly ("memory-safe") {
            let entry := add(add(table, 32), shl(2, and(shr(19, mul(2654435769, word)), 0x1fff)))
            let read := mload(entry)
            previous := shr(224, read)
            mstore(entry, or(shl(224, position), and(read, 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffff)))
        }
    }
}
