// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ILegacyMintableERC20} from "./ILegacyMintableERC20.sol";
import {IOptimismMintableERC20} from "./IOptimismMintableERC20.sol";

/// @title MintableERC20
/// @notice A token that stands for one on the other chain. A bridge alone mints and burns it, so that all of it is
///         backed there. Allowances can be given by signature (ERC-2612).
/// @dev It computes its EIP-712 domain each time: OpenZeppelin's ERC20Permit keeps parts of it in immutables, which code
///      that genesis places does not have.
abstract contract MintableERC20 is ERC20, Nonces, IERC20Permit, IOptimismMintableERC20, ILegacyMintableERC20 {
    bytes32 private constant DOMAIN_TYPE_HASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    bytes32 private constant PERMIT_TYPE_HASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// @notice The bridge minted `amount` to `account`.
    event Mint(address indexed account, uint256 amount);

    /// @notice The bridge burned `amount` of `account`.
    event Burn(address indexed account, uint256 amount);

    error NotBridge(address caller, address bridge);
    error PermitExpired(uint256 timestamp, uint256 deadline);
    error WrongSigner(address signer, address owner);

    modifier onlyBridge() {
        if (msg.sender != bridge()) revert NotBridge(msg.sender, bridge());
        _;
    }

    /// @notice Mints `amount` to `to`. The bridge alone may.
    function mint(address to, uint256 amount)
        external
        override(IOptimismMintableERC20, ILegacyMintableERC20)
        onlyBridge
    {
        _mint(to, amount);
        emit Mint(to, amount);
    }

    /// @notice Burns `amount` of `from`. The bridge alone may.
    function burn(address from, uint256 amount)
        external
        override(IOptimismMintableERC20, ILegacyMintableERC20)
        onlyBridge
    {
        _burn(from, amount);
        emit Burn(from, amount);
    }

    /// @inheritdoc IERC20Permit
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        if (block.timestamp > deadline) revert PermitExpired(block.timestamp, deadline);
        bytes32 structHash =
            keccak256(abi.encode(PERMIT_TYPE_HASH, owner, spender, value, _useNonce(owner), deadline));
        address signer = ECDSA.recover(MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR(), structHash), v, r, s);
        if (signer != owner) revert WrongSigner(signer, owner);
        _approve(owner, spender, value);
    }

    /// @notice The token on the other chain, by its name from before Bedrock.
    function l1Token() external view returns (address) {
        return remoteToken();
    }

    /// @notice The bridge, by its name from before Bedrock.
    function l2Bridge() external view returns (address) {
        return bridge();
    }

    /// @notice The token on the other chain, by the name of the immutable that holds it in OP's token.
    function REMOTE_TOKEN() external view returns (address) {
        return remoteToken();
    }

    /// @notice The bridge, by the name of the immutable that holds it in OP's token.
    function BRIDGE() external view returns (address) {
        return bridge();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IOptimismMintableERC20).interfaceId
            || interfaceId == type(ILegacyMintableERC20).interfaceId;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.4.0";
    }

    /// @inheritdoc IOptimismMintableERC20
    function remoteToken() public view virtual returns (address);

    /// @inheritdoc IOptimismMintableERC20
    function bridge() public view virtual returns (address);

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(IERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @inheritdoc IERC20Permit
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPE_HASH, keccak256(bytes(name())), keccak256("1"), block.chainid, address(this))
        );
    }
}
