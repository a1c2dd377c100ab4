// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Ownable
/// @notice An owner that changes in one step, with the functions and the event that OP Stack tools know.
/// @dev `owner` takes storage slot 0 of a contract that derives from this one first.
abstract contract Ownable {
    /// @notice May change what only an owner may; zero before initialisation and after renunciation.
    address public owner;

    /// @notice Ownership went over; to zero where it was renounced.
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    error NotOwner(address caller, address owner);
    error ZeroOwner();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        _;
    }

    /// @notice Gives ownership to `newOwner`, at once.
    function transferOwnership(address newOwner) external onlyOwner {
        _setOwner(newOwner);
    }

    /// @notice Gives ownership up for good.
    function renounceOwnership() external onlyOwner {
        emit OwnershipTransferred(owner, address(0));
        owner = address(0);
    }

    function _setOwner(address newOwner) internal {
        if (newOwner == address(0)) revert ZeroOwner();
        emit OwnershipTransferred(owner, newOwner);
        owner = newOwner;
    }
}
