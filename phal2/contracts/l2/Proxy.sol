// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Proxy
/// @notice A transparent ERC-1967 proxy with the interface of the OP Stack's proxy. The admin, and address zero (which
///         only simulated calls can have), reach the functions below; every other caller reaches the implementation.
/// @dev It has no state outside the two ERC-1967 slots.
contract Proxy {
    /// @dev bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1)
    bytes32 private constant IMPLEMENTATION_SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    /// @dev bytes32(uint256(keccak256("eip1967.proxy.admin")) - 1)
    bytes32 private constant ADMIN_SLOT = 0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;

    /// @notice The implementation changed.
    event Upgraded(address indexed implementation);

    /// @notice The admin changed.
    event AdminChanged(address previousAdmin, address newAdmin);

    /// @notice The proxy has no implementation yet.
    error ImplementationNotSet();

    /// @notice The call that follows an upgrade reverted with `result`.
    error UpgradeCallFailed(bytes result);

    /// @dev Delegates the call unless the admin, or a simulated call from address zero, made it.
    modifier proxyCallIfNotAdmin() {
        if (msg.sender == _load(ADMIN_SLOT) || msg.sender == address(0)) {
            _;
        } else {
            _delegate();
        }
    }

    /// @param admin_ May upgrade the proxy.
    constructor(address admin_) {
        _changeAdmin(admin_);
    }

    /// @notice A transfer of ether goes to the implementation.
    receive() external payable {
        _delegate();
    }

    /// @notice Every other call goes to the implementation.
    fallback() external payable {
        _delegate();
    }

    /// @notice Sets the implementation.
    function upgradeTo(address implementation_) external proxyCallIfNotAdmin {
        _upgradeTo(implementation_);
    }

    /// @notice Sets the implementation and calls it with `data` in the proxy's context.
    /// @return What the call returned.
    function upgradeToAndCall(address implementation_, bytes calldata data)
        external
        payable
        proxyCallIfNotAdmin
        returns (bytes memory)
    {
        _upgradeTo(implementation_);
        (bool success, bytes memory result) = implementation_.delegatecall(data);
        if (!success) revert UpgradeCallFailed(result);
        return result;
    }

    /// @notice Hands the proxy to another admin.
    function changeAdmin(address admin_) external proxyCallIfNotAdmin {
        _changeAdmin(admin_);
    }

    /// @notice The admin.
    function admin() external proxyCallIfNotAdmin returns (address) {
        return _load(ADMIN_SLOT);
    }

    /// @notice The implementation.
    function implementation() external proxyCallIfNotAdmin returns (address) {
        return _load(IMPLEMENTATION_SLOT);
    }

    function _upgradeTo(address implementation_) private {
        assembly {
            sstore(IMPLEMENTATION_SLOT, implementation_)
        }
        emit Upgraded(implementation_);
    }

    function _changeAdmin(address admin_) private {
        address previous = _load(ADMIN_SLOT);
        assembly {
            sstore(ADMIN_SLOT, admin_)
        }
        emit AdminChanged(previous, admin_);
    }

    function _load(bytes32 slot) private view returns (address value) {
        assembly {
            value := sload(slot)
        }
    }

    /// @dev Ends the call with what the implementation answers. It takes over memory from zero, as nothing returns to Solidity.
    function _delegate() private {
        address target = _load(IMPLEMENTATION_SLOT);
        if (target == address(0)) revert ImplementationNotSet();
        assembly {
            calldatacopy(0, 0, calldatasize())
            let success := delegatecall(gas(), target, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch success
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}
