// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title GameArguments
/// @notice Reads what the factory writes into a game's code: creator (20 bytes), root claim (32), L1 head (32), and the
///         extra data.
library GameArguments {
    uint256 private constant EXTRA_DATA_OFFSET = 84;

    /// @notice Who had the factory create the game.
    function creator(bytes memory arguments) internal pure returns (address) {
        return address(bytes20(_word(arguments, 0)));
    }

    /// @notice The output root that the game claims.
    function rootClaim(bytes memory arguments) internal pure returns (bytes32) {
        return _word(arguments, 20);
    }

    /// @notice Hash of the L1 block before the one of the creation.
    function l1Head(bytes memory arguments) internal pure returns (bytes32) {
        return _word(arguments, 52);
    }

    /// @notice What the creator gave the game beside the claim.
    function extraData(bytes memory arguments) internal pure returns (bytes memory data) {
        data = new bytes(arguments.length - EXTRA_DATA_OFFSET);
        assembly ("memory-safe") {
            mcopy(add(data, 0x20), add(add(arguments, 0x20), EXTRA_DATA_OFFSET), mload(data))
        }
    }

    function _word(bytes memory arguments, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(arguments, 0x20), offset))
        }
    }
}
