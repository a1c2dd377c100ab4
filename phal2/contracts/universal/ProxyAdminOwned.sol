// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "./Ownable.sol";

/// @title ProxyAdminOwned
/// @notice For contracts behind a proxy: who administers it, with the functions that OP Stack tools know.
abstract contract ProxyAdminOwned {
    /// @dev bytes32(uint256(keccak256("eip1967.proxy.admin")) - 1)
    bytes32 private constant ADMIN_SLOT = 0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;

    error NotProxyAdminOwner(address caller, address owner);

    modifier onlyProxyAdminOwner() {
        if (msg.sender != proxyAdminOwner()) revert NotProxyAdminOwner(msg.sender, proxyAdminOwner());
        _;
    }

    /// @notice The ProxyAdmin of the proxy before this contract; zero where there is none.
    function proxyAdmin() public view returns (address admin) {
        assembly ("memory-safe") {
            admin := sload(ADMIN_SLOT)
        }
    }

    /// @notice Who owns that ProxyAdmin, and so may replace this contract.
    function proxyAdminOwner() public view returns (address) {
        return Ownable(proxyAdmin()).owner();
    }
}
