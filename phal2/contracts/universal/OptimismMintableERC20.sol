// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {MintableERC20} from "./MintableERC20.sol";

/// @title OptimismMintableERC20
/// @notice A token that stands for one on the other chain, as OptimismMintableERC20Factory makes it.
contract OptimismMintableERC20 is MintableERC20 {
    address private immutable _remoteToken;
    address private immutable _bridge;
    uint8 private immutable _decimals;

    /// @param bridge_      Mints and burns.
    /// @param remoteToken_ The token on the other chain.
    /// @param name_        Name of the token.
    /// @param symbol_      Symbol of the token.
    /// @param decimals_    Decimals of the token.
    constructor(address bridge_, address remoteToken_, string memory name_, string memory symbol_, uint8 decimals_)
        ERC20(name_, symbol_)
    {
        _bridge = bridge_;
        _remoteToken = remoteToken_;
        _decimals = decimals_;
    }

    /// @notice The token on the other chain.
    function remoteToken() public view override returns (address) {
        return _remoteToken;
    }

    /// @notice The bridge that mints and burns.
    function bridge() public view override returns (address) {
        return _bridge;
    }

    /// @notice Decimals of the token.
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
