// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ProxyAdminOwned} from "../universal/ProxyAdminOwned.sol";
import {SafeCall} from "../universal/SafeCall.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title FeeVault
/// @notice Holds fees that transactions on L2 paid. Anybody can have them sent to the recipient, once there are enough.
/// @dev ABI, events and storage layout are those of the OP Stack's vaults.
abstract contract FeeVault is ProxyAdminOwned, Initializable {
    /// @notice Where the recipient receives the fees.
    enum WithdrawalNetwork {
        L1,
        L2
    }

    /// @notice Gas of the withdrawal's call on L1.
    uint256 internal constant WITHDRAWAL_GAS_LIMIT = 400_000;

    /// @notice Sum of all that was withdrawn, in wei.
    uint256 public totalProcessed;

    /// @notice Least balance, in wei, that can be withdrawn.
    uint256 public minWithdrawalAmount;

    /// @notice Who receives the fees.
    address public recipient;

    /// @notice Where the recipient receives the fees.
    WithdrawalNetwork public withdrawalNetwork;

    /// @dev Room for later variables, up to slot 48.
    uint256[46] private __gap;

    /// @notice The event below, as it was before the network was a choice.
    event Withdrawal(uint256 value, address to, address from);

    /// @notice Fees went to the recipient.
    /// @param value             Wei.
    /// @param to                The recipient.
    /// @param from              Who asked for it.
    /// @param withdrawalNetwork Where the recipient receives them.
    event Withdrawal(uint256 value, address to, address from, WithdrawalNetwork withdrawalNetwork);

    /// @notice The least balance that can be withdrawn changed.
    event MinWithdrawalAmountUpdated(uint256 oldMinWithdrawalAmount, uint256 newMinWithdrawalAmount);

    /// @notice The recipient changed.
    event RecipientUpdated(address oldRecipient, address newRecipient);

    /// @notice Where the recipient receives fees changed.
    event WithdrawalNetworkUpdated(WithdrawalNetwork oldWithdrawalNetwork, WithdrawalNetwork newWithdrawalNetwork);

    error BelowMinimum(uint256 balance, uint256 minimum);
    error TransferFailed(address recipient, uint256 amount);
    error ZeroRecipient();

    constructor() {
        _disableInitializers();
    }

    /// @notice Takes ether beside the fees, which are credited without a call.
    receive() external payable {}

    /// @notice Sets what the vault works with, once.
    /// @param recipient_           Who receives the fees.
    /// @param minWithdrawalAmount_ Least balance, in wei, that can be withdrawn.
    /// @param withdrawalNetwork_   Where the recipient receives them.
    function initialize(address recipient_, uint256 minWithdrawalAmount_, WithdrawalNetwork withdrawalNetwork_)
        external
        initializer
    {
        if (recipient_ == address(0)) revert ZeroRecipient();
        recipient = recipient_;
        minWithdrawalAmount = minWithdrawalAmount_;
        withdrawalNetwork = withdrawalNetwork_;
    }

    /// @notice Sends the whole balance to the recipient: on L2 at once, on L1 by a withdrawal. Anybody may.
    /// @return value Wei sent.
    function withdraw() external returns (uint256 value) {
        value = address(this).balance;
        if (value < minWithdrawalAmount) revert BelowMinimum(value, minWithdrawalAmount);
        totalProcessed += value;
        emit Withdrawal(value, recipient, msg.sender);
        emit Withdrawal(value, recipient, msg.sender, withdrawalNetwork);
        if (withdrawalNetwork == WithdrawalNetwork.L2) {
            if (!SafeCall.call(recipient, value, bytes(""))) revert TransferFailed(recipient, value);
        } else {
            L2ToL1MessagePasser(payable(Predeploys.L2_TO_L1_MESSAGE_PASSER)).initiateWithdrawal{value: value}(
                recipient, WITHDRAWAL_GAS_LIMIT, bytes("")
            );
        }
    }

    /// @notice Sets the least balance that can be withdrawn, in wei. The owner of the L2 ProxyAdmin may.
    function setMinWithdrawalAmount(uint256 minWithdrawalAmount_) external onlyProxyAdminOwner {
        emit MinWithdrawalAmountUpdated(minWithdrawalAmount, minWithdrawalAmount_);
        minWithdrawalAmount = minWithdrawalAmount_;
    }

    /// @notice Sets who receives the fees. The owner of the L2 ProxyAdmin may.
    function setRecipient(address recipient_) external onlyProxyAdminOwner {
        if (recipient_ == address(0)) revert ZeroRecipient();
        emit RecipientUpdated(recipient, recipient_);
        recipient = recipient_;
    }

    /// @notice Sets where the recipient receives the fees. The owner of the L2 ProxyAdmin may.
    function setWithdrawalNetwork(WithdrawalNetwork withdrawalNetwork_) external onlyProxyAdminOwner {
        emit WithdrawalNetworkUpdated(withdrawalNetwork, withdrawalNetwork_);
        withdrawalNetwork = withdrawalNetwork_;
    }

    /// @notice `minWithdrawalAmount`, by its earlier name.
    function MIN_WITHDRAWAL_AMOUNT() external view returns (uint256) {
        return minWithdrawalAmount;
    }

    /// @notice `recipient`, by its earlier name.
    function RECIPIENT() external view returns (address) {
        return recipient;
    }

    /// @notice `withdrawalNetwork`, by its earlier name.
    function WITHDRAWAL_NETWORK() external view returns (WithdrawalNetwork) {
        return withdrawalNetwork;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.6.0";
    }
}
