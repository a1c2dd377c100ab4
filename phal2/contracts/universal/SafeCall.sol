// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title SafeCall
/// @notice Calls to targets that nobody vouches for: what they return is never copied, and they get the gas they were
///         promised or the whole transaction reverts.
library SafeCall {
    /// @notice Gas that a call may cost its caller beside what it forwards: value, a cold and a new account.
    uint256 private constant CALL_OVERHEAD = 40_000;

    /// @notice There is too little gas to give a call what it was promised.
    error InsufficientGas(uint256 promised, uint256 available);

    /// @notice Calls `target` with all but 1/64 of the gas, and does not look at what it returns.
    /// @return success Whether the call ended without an error.
    function call(address target, uint256 value, bytes memory data) internal returns (bool success) {
        assembly ("memory-safe") {
            success := call(gas(), target, value, add(data, 0x20), mload(data), 0, 0)
        }
    }

    /// @notice Whether a call made now gets at least `minimumGas`, with `reserved` gas left afterwards.
    /// @dev EIP-150 keeps 1/64 of the gas back: 63/64 · (gas - overhead - reserved) >= minimumGas.
    function hasMinGas(uint256 minimumGas, uint256 reserved) internal view returns (bool) {
        // Above 2**64 no block has so much gas, and the arithmetic could wrap.
        if (minimumGas > type(uint64).max || reserved > type(uint64).max) return false;
        unchecked {
            return gasleft() * 63 >= minimumGas * 64 + (CALL_OVERHEAD + reserved) * 63;
        }
    }

    /// @notice Calls `target` with at least `minimumGas`, or reverts with `InsufficientGas`.
    /// @return success Whether the call ended without an error.
    function callWithMinGas(address target, uint256 minimumGas, uint256 value, bytes memory data)
        internal
        returns (bool success)
    {
        if (!hasMinGas(minimumGas, 0)) revert InsufficientGas(minimumGas, gasleft());
        return call(target, value, data);
    }
}
