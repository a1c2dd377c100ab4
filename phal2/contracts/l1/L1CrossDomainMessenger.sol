// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../l2/Predeploys.sol";
import {CrossDomainMessenger} from "../universal/CrossDomainMessenger.sol";
import {IOptimismPortal} from "./IOptimismPortal.sol";
import {ISystemConfig} from "./ISystemConfig.sol";

/// @title L1CrossDomainMessenger
/// @notice Messages from L1 to L2, as deposits of the portal, and from L2, as withdrawals that the portal finalises.
contract L1CrossDomainMessenger is CrossDomainMessenger {
    /// @dev Where OP's contract had its SuperchainConfig.
    uint256 private __legacySuperchainConfig;

    /// @notice The portal to L2.
    IOptimismPortal public portal;

    /// @dev Where OP's contract had an earlier SystemConfig.
    uint256 private __legacySystemConfig;

    /// @notice Tells whether messages from L2 are paused.
    ISystemConfig public systemConfig;

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets what the messenger works with, once.
    function initialize(ISystemConfig systemConfig_, IOptimismPortal portal_) external initializer {
        systemConfig = systemConfig_;
        portal = portal_;
        _initializeMessenger(CrossDomainMessenger(Predeploys.L2_CROSS_DOMAIN_MESSENGER));
    }

    /// @notice The portal, by its name from before Bedrock.
    function PORTAL() external view returns (IOptimismPortal) {
        return portal;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "2.9.0";
    }

    /// @inheritdoc CrossDomainMessenger
    function paused() public view override returns (bool) {
        return systemConfig.paused();
    }

    function _sendMessage(address to, uint64 gasLimit, uint256 value, bytes memory data) internal override {
        portal.depositTransaction{value: value}(to, value, gasLimit, false, data);
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return msg.sender == address(portal) && portal.l2Sender() == address(otherMessenger);
    }

    function _isUnsafeTarget(address target) internal view override returns (bool) {
        return target == address(this) || target == address(portal);
    }
}
