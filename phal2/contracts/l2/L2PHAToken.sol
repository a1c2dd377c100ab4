// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {MintableERC20} from "../universal/MintableERC20.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title L2PHAToken
/// @notice PHA on L2, 18 decimals: an OptimismMintableERC20 whose remote token is PHA on L1. All of it is backed by PHA
///         that lies in the standard bridge on L1, as the standard bridge on L2 alone mints and burns it.
/// @dev Placed into genesis as runtime code, so nothing may depend on a constructor.
contract L2PHAToken is MintableERC20 {
    address private _remoteToken;

    /// @notice The token on L1 was set.
    event RemoteTokenSet(address indexed remoteToken);

    error AlreadyInitialized(address remoteToken);
    error ZeroRemoteToken();

    constructor() ERC20("", "") {}

    /// @notice Sets the token on L1, once.
    function initialize(address remoteToken_) external {
        if (_remoteToken != address(0)) revert AlreadyInitialized(_remoteToken);
        if (remoteToken_ == address(0)) revert ZeroRemoteToken();
        _remoteToken = remoteToken_;
        emit RemoteTokenSet(remoteToken_);
    }

    /// @notice PHA on L1.
    function remoteToken() public view override returns (address) {
        return _remoteToken;
    }

    /// @notice The contract that mints and burns: the standard bridge.
    function bridge() public pure override returns (address) {
        return Predeploys.L2_STANDARD_BRIDGE;
    }

    /// @notice Name of the token.
    function name() public pure override returns (string memory) {
        return "Phala";
    }

    /// @notice Symbol of the token.
    function symbol() public pure override returns (string memory) {
        return "PHA";
    }
}
