// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../l1/AddressAlias.sol";
import {CrossDomainMessenger} from "../universal/CrossDomainMessenger.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title L2CrossDomainMessenger
/// @notice Messages from L2 to L1, as withdrawals, and from L1, as deposits of the messenger there.
contract L2CrossDomainMessenger is CrossDomainMessenger {
    constructor() {
        _disableInitializers();
    }

    /// @notice Sets the messenger on L1, once.
    function initialize(CrossDomainMessenger l1CrossDomainMessenger_) external initializer {
        _initializeMessenger(l1CrossDomainMessenger_);
    }

    /// @notice The messenger on L1, by its name from before Bedrock.
    function l1CrossDomainMessenger() external view returns (CrossDomainMessenger) {
        return otherMessenger;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "2.2.0";
    }

    /// @inheritdoc CrossDomainMessenger
    function paused() public pure override returns (bool) {
        return false;
    }

    function _sendMessage(address to, uint64 gasLimit, uint256 value, bytes memory data) internal override {
        L2ToL1MessagePasser(payable(Predeploys.L2_TO_L1_MESSAGE_PASSER)).initiateWithdrawal{value: value}(
            to, gasLimit, data
        );
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return msg.sender == AddressAlias.applyAlias(address(otherMessenger));
    }

    function _isUnsafeTarget(address target) internal view override returns (bool) {
        return target == address(this) || target == Predeploys.L2_TO_L1_MESSAGE_PASSER;
    }
}
