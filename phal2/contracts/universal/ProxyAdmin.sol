// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "./Ownable.sol";

/// @notice What a proxy answers and does for its admin.
interface IProxy {
    /// @notice Sets the implementation.
    function upgradeTo(address implementation) external;

    /// @notice Sets the implementation and calls it with `data` in the proxy's context.
    function upgradeToAndCall(address implementation, bytes calldata data) external payable returns (bytes memory);

    /// @notice Hands the proxy to another admin.
    function changeAdmin(address admin) external;

    /// @notice The admin, for the admin alone.
    function admin() external view returns (address);

    /// @notice The implementation, for the admin alone.
    function implementation() external view returns (address);
}

/// @title ProxyAdmin
/// @notice The admin of the chain's proxies: its owner upgrades them. The functions are those of the OP Stack's
///         ProxyAdmin for ERC-1967 proxies; each change is logged by the proxy that it changes.
/// @dev On L2 it is a predeploy, whose owner genesis writes to storage slot 0.
contract ProxyAdmin is Ownable {
    /// @param owner_ May upgrade the proxies.
    constructor(address owner_) {
        _setOwner(owner_);
    }

    /// @notice Gives `proxy` another implementation.
    function upgrade(address payable proxy, address implementation) external onlyOwner {
        IProxy(proxy).upgradeTo(implementation);
    }

    /// @notice Gives `proxy` another implementation and calls it, in the same step, with `data` and the ether sent.
    function upgradeAndCall(address payable proxy, address implementation, bytes calldata data)
        external
        payable
        onlyOwner
    {
        IProxy(proxy).upgradeToAndCall{value: msg.value}(implementation, data);
    }

    /// @notice Hands `proxy` to another admin, for good.
    function changeProxyAdmin(address payable proxy, address newAdmin) external onlyOwner {
        IProxy(proxy).changeAdmin(newAdmin);
    }

    /// @notice The admin of `proxy`; it reverts unless that is this contract.
    function getProxyAdmin(address payable proxy) external view returns (address) {
        return IProxy(proxy).admin();
    }

    /// @notice The implementation behind `proxy`, whose admin this contract must be.
    function getProxyImplementation(address proxy) external view returns (address) {
        return IProxy(proxy).implementation();
    }
}
