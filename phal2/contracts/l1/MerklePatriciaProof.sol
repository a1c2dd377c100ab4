// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TrieNode} from "./TrieNode.sol";

/// @title MerklePatriciaProof
/// @notice Checks that a trie with hashed keys holds a value (Ethereum Yellow Paper, appendix D).
/// @dev Anything malformed is no proof: these functions answer false and do not revert.
library MerklePatriciaProof {
    /// @dev Where a node leads.
    enum Step {
        NOWHERE,
        CHILD,
        VALUE
    }

    /// @notice Nibbles of a hashed key.
    uint256 private constant PATH_LENGTH = 64;

    /// @notice Most nodes on the way to a leaf: one a nibble, and the leaf.
    uint256 private constant MAXIMUM_NODES = PATH_LENGTH + 1;

    /// @notice Whether the trie under `root` has `value` at the hashed key `path`.
    /// @param root  Hash of the root node.
    /// @param path  keccak256 of the key.
    /// @param value The RLP encoding that the leaf holds.
    /// @param proof The nodes from the root to the leaf. A node that lies within its parent (below 32 bytes) may be
    ///              listed or left out; nothing may follow the leaf.
    function includes(bytes32 root, bytes32 path, bytes memory value, bytes[] calldata proof)
        internal
        pure
        returns (bool)
    {
        if (proof.length == 0 || proof.length > MAXIMUM_NODES || keccak256(proof[0]) != root) return false;
        bytes calldata node = proof[0];
        uint256 used = 1;
        uint256 depth = 0;
        // Every round but the last goes at least one nibble deeper, so there are at most MAXIMUM_NODES.
        while (true) {
            bytes calldata next;
            Step step;
            (step, depth, next) = _step(node, path, depth);
            if (step == Step.NOWHERE) return false;
            if (step == Step.VALUE) return used == proof.length && TrieNode.holds(next, value);
            if (TrieNode.isEmbedded(next)) {
                node = next;
                if (used == proof.length) continue;
                if (keccak256(proof[used]) != keccak256(next)) return false;
            } else {
                if (used == proof.length || !TrieNode.isHash(next, keccak256(proof[used]))) return false;
                node = proof[used];
            }
            ++used;
        }
        return false;
    }

    /// @dev Where a node leads on the way along `path`, of which `depth` nibbles are behind: how many are then, and the
    ///      item with the child or the value.
    function _step(bytes calldata node, bytes32 path, uint256 depth)
        private
        pure
        returns (Step, uint256, bytes calldata)
    {
        (uint256 count, uint256[18] memory positions) = TrieNode.items(node);
        if (count == TrieNode.BRANCH) {
            // Keys are of one length, so no key ends at a branch.
            if (depth == PATH_LENGTH || !TrieNode.isEmpty(_item(node, positions, 16))) {
                return (Step.NOWHERE, depth, node);
            }
            uint256 nibble = (uint256(path) >> (252 - 4 * depth)) & 0x0f;
            return (Step.CHILD, depth + 1, _item(node, positions, nibble));
        }
        if (count != TrieNode.SHORT) return (Step.NOWHERE, depth, node);
        (Step step, uint256 reached) = _follow(_item(node, positions, 0), path, depth);
        return (step, reached, _item(node, positions, 1));
    }

    /// @dev Where a leaf or an extension leads by its part of the path.
    function _follow(bytes calldata item, bytes32 path, uint256 depth) private pure returns (Step, uint256 reached) {
        (bool valid, bool isLeaf, uint256 length, uint256 nibbles) = TrieNode.partialPath(item);
        reached = depth + length;
        if (!valid || reached > PATH_LENGTH || nibbles != _nibbles(path, depth, length)) return (Step.NOWHERE, depth);
        // A leaf ends the path; an extension leads at least one nibble on.
        if (isLeaf ? reached != PATH_LENGTH : length == 0) return (Step.NOWHERE, depth);
        return (isLeaf ? Step.VALUE : Step.CHILD, reached);
    }

    function _nibbles(bytes32 path, uint256 depth, uint256 length) private pure returns (uint256) {
        return (uint256(path) << (4 * depth)) >> (256 - 4 * length);
    }

    /// @dev Item `index` of a node with its header.
    function _item(bytes calldata node, uint256[18] memory positions, uint256 index)
        private
        pure
        returns (bytes calldata)
    {
        return node[positions[index]:positions[index + 1]];
    }
}
