// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title PHAToken
/// @notice PHA on L1: one thousand million tokens of 18 decimals, minted once.
contract PHAToken is ERC20 {
    /// @notice The whole supply, in units of 10**-18 PHA.
    uint256 public constant SUPPLY = 1_000_000_000 ether;

    /// @param holder Receives the whole supply.
    constructor(address holder) ERC20("Phala", "PHA") {
        _mint(holder, SUPPLY);
    }
}
