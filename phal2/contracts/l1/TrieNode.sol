// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title TrieNode
/// @notice Reads the RLP of trie nodes. Only the canonical encoding is read, and no length is believed before it is
///         known to lie within the node.
library TrieNode {
    /// @notice Items of a branch: sixteen children and a value.
    uint256 internal constant BRANCH = 17;

    /// @notice Items of a leaf or an extension: a part of the path, and a value or a child.
    uint256 internal constant SHORT = 2;

    /// @notice Finds the items of a node.
    /// @return count     Their number: 0 where the node is malformed or has more than 17 items.
    /// @return positions Where each begins, headers included, and at index `count` where the last one ends.
    function items(bytes calldata node) internal pure returns (uint256 count, uint256[18] memory positions) {
        (bool valid, bool isList, uint256 position, uint256 end) = _header(node, 0);
        if (!valid || !isList || end != node.length) return (0, positions);
        while (position < end) {
            if (count == BRANCH) return (0, positions);
            positions[count] = position;
            ++count;
            (valid,,, position) = _header(node, position);
            if (!valid) return (0, positions);
        }
        positions[count] = end;
    }

    /// @notice Reads the hex-prefix encoding of a part of a path (Yellow Paper, appendix C).
    /// @param item A whole item of a node.
    /// @return valid   Whether it is such an encoding, canonical, and of at most 64 nibbles.
    /// @return isLeaf  Whether the node is a leaf.
    /// @return length  Number of nibbles.
    /// @return nibbles The nibbles as a number.
    function partialPath(bytes calldata item)
        internal
        pure
        returns (bool valid, bool isLeaf, uint256 length, uint256 nibbles)
    {
        (, bool isList, uint256 start, uint256 end) = _header(item, 0);
        if (isList || start == end || end - start > 33) return (false, false, 0, 0);
        uint8 first = uint8(item[start]);
        uint256 flags = first >> 4;
        // Bit 1: leaf. Bit 0: odd, and then the first byte's low half is a nibble, else it is zero.
        if (flags > 3 || (flags & 1 == 0 && first & 0x0f != 0)) return (false, false, 0, 0);
        uint256 rest = end - start - 1;
        length = 2 * rest + (flags & 1);
        if (length > 64) return (false, false, 0, 0);
        nibbles = uint256(bytes32(item[start + 1:end])) >> (256 - 8 * rest);
        if (flags & 1 == 1) nibbles |= uint256(first & 0x0f) << (8 * rest);
        return (true, flags & 2 == 2, length, nibbles);
    }

    /// @notice Whether an item is the empty string, which stands for nothing.
    function isEmpty(bytes calldata item) internal pure returns (bool) {
        return item.length == 1 && item[0] == 0x80;
    }

    /// @notice Whether an item is a node that lies within its parent, as one of less than 32 bytes does.
    function isEmbedded(bytes calldata item) internal pure returns (bool) {
        return uint8(item[0]) >= 0xc0 && item.length < 32;
    }

    /// @notice Whether an item is the 32-byte string `hash`.
    function isHash(bytes calldata item, bytes32 hash) internal pure returns (bool) {
        return item.length == 33 && item[0] == 0xa0 && bytes32(item[1:33]) == hash;
    }

    /// @notice Whether an item is the string `value`.
    function holds(bytes calldata item, bytes memory value) internal pure returns (bool) {
        (, bool isList, uint256 start, uint256 end) = _header(item, 0);
        return !isList && keccak256(item[start:end]) == keccak256(value);
    }

    /// @dev Reads the header of the item at `position`, which is before the end of `data`, and finds where its content
    ///      starts and ends. It is valid where it is the shortest for its content and the content lies within `data`.
    function _header(bytes calldata data, uint256 position)
        private
        pure
        returns (bool valid, bool isList, uint256 start, uint256 end)
    {
        if (position >= data.length) return (false, false, 0, 0);
        uint256 prefix = uint8(data[position]);
        if (prefix < 0x80) return (true, false, position, position + 1);
        isList = prefix >= 0xc0;
        uint256 length = prefix - (isList ? 0xc0 : 0x80);
        start = position + 1;
        if (length > 55) {
            // A node has at most 532 bytes besides a value, and no value here needs more than two bytes of length.
            uint256 lengthOfLength = length - 55;
            if (lengthOfLength > 2 || start + lengthOfLength > data.length || data[start] == 0) {
                return (false, false, 0, 0);
            }
            length = uint256(bytes32(data[start:start + lengthOfLength])) >> (256 - 8 * lengthOfLength);
            if (length <= 55) return (false, false, 0, 0);
            start += lengthOfLength;
        }
        end = start + length;
        if (end > data.length) return (false, false, 0, 0);
        // A single byte below 0x80 is its own encoding.
        if (!isList && length == 1 && uint8(data[start]) < 0x80) return (false, false, 0, 0);
        valid = true;
    }
}
