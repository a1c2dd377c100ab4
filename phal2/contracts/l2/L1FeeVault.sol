// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FeeVault} from "./FeeVault.sol";

/// @title L1FeeVault
/// @notice The vault of fees for the data of transactions on L1.
contract L1FeeVault is FeeVault {}
