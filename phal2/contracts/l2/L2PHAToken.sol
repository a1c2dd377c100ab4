// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title L2PHAToken
/// @notice PHA on L2, 18 decimals. All of it is backed by PHA that lies on L1: the bridge alone mints and burns.
/// @dev Placed into genesis as runtime code, so nothing may depend on a constructor.
contract L2PHAToken is ERC20 {
    /// @notice PHA on L1.
    address public remoteToken;

    /// @notice The token on L1 was set.
    event RemoteTokenSet(address indexed remoteToken);

    /// @notice The bridge minted `amount` to `to`.
    event Mint(address indexed to, uint256 amount);

    /// @notice The bridge burned `amount` of `from`.
    event Burn(address indexed from, uint256 amount);

    error NotBridge(address caller, address bridge);
    error AlreadyInitialized(address remoteToken);
    error ZeroRemoteToken();

    modifier onlyBridge() {
        if (msg.sender != bridge()) revert NotBridge(msg.sender, bridge());
        _;
    }

    constructor() ERC20("", "") {}

    /// @notice Sets the token on L1, once.
    function initialize(address remoteToken_) external {
        if (remoteToken != address(0)) revert AlreadyInitialized(remoteToken);
        if (remoteToken_ == address(0)) revert ZeroRemoteToken();
        remoteToken = remoteToken_;
        emit RemoteTokenSet(remoteToken_);
    }

    /// @notice Mints `amount`, in units of 10**-18 PHA, to `to`. The bridge alone may.
    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
        emit Mint(to, amount);
    }

    /// @notice Burns `amount`, in units of 10**-18 PHA, of `from`. The bridge alone may.
    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
        emit Burn(from, amount);
    }

    /// @notice The contract that mints and burns.
    function bridge() public pure returns (address) {
        return Predeploys.PHA_CLAIMS;
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
