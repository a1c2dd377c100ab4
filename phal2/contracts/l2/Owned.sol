// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Owned
/// @notice An owner that changes in two steps: the present one offers, the next one accepts.
/// @dev `owner` comes first in storage. Where the pending owner lies is the deriving contract's choice, because layouts
///      that the node reads put other fields beside the owner.
abstract contract Owned {
    /// @notice May change what only an owner may; zero before initialisation alone.
    address public owner;

    /// @notice The present owner offered ownership to `pendingOwner`, or withdrew its offer where that is zero.
    event OwnershipTransferStarted(address indexed owner, address indexed pendingOwner);

    /// @notice Ownership went over.
    event OwnershipTransferred(address indexed previousOwner, address indexed owner);

    error NotOwner(address caller, address owner);
    error NotPendingOwner(address caller, address pendingOwner);
    error AlreadyInitialized(address owner);
    error ZeroOwner();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        _;
    }

    /// @notice Who may accept ownership; zero where nobody was offered it.
    function pendingOwner() public view virtual returns (address);

    /// @notice Offers ownership to `next`; zero withdraws an offer.
    function transferOwnership(address next) external onlyOwner {
        _setPendingOwner(next);
        emit OwnershipTransferStarted(owner, next);
    }

    /// @notice Takes ownership that was offered to the caller.
    function acceptOwnership() external {
        address next = pendingOwner();
        if (msg.sender != next) revert NotPendingOwner(msg.sender, next);
        _setPendingOwner(address(0));
        emit OwnershipTransferred(owner, next);
        owner = next;
    }

    /// @dev Sets the first owner, once.
    function _initializeOwner(address first) internal {
        if (owner != address(0)) revert AlreadyInitialized(owner);
        if (first == address(0)) revert ZeroOwner();
        owner = first;
        emit OwnershipTransferred(address(0), first);
    }

    function _setPendingOwner(address next) internal virtual;
}
