// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FeeVault} from "./FeeVault.sol";

/// @title SequencerFeeVault
/// @notice The vault of priority fees, as the coinbase of every block.
contract SequencerFeeVault is FeeVault {
    /// @notice `recipient`, by its first name.
    function l1FeeWallet() external view returns (address) {
        return recipient;
    }
}
