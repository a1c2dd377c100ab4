// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title AddressAlias
/// @notice The shift between a contract's address on L1 and the sender it has on L2. It keeps a contract on L1 from
///         acting for whoever owns the same address on L2.
library AddressAlias {
    /// @notice What is added, modulo 2**160, to a contract's L1 address.
    uint160 internal constant OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice The L2 sender of deposits made by the L1 contract `l1Address`.
    function applyAlias(address l1Address) internal pure returns (address) {
        unchecked {
            return address(uint160(l1Address) + OFFSET);
        }
    }
}
