// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FeeVault} from "./FeeVault.sol";

/// @title BaseFeeVault
/// @notice The vault of base fees, which L2 does not burn.
contract BaseFeeVault is FeeVault {}
