// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {AddressAlias} from "../l1/AddressAlias.sol";
import {IStandardBridge} from "../universal/IStandardBridge.sol";
import {Attested} from "./Attested.sol";
import {IAttestationContext} from "./IAttestationContext.sol";
import {IPHAClaims} from "./IPHAClaims.sol";
import {L2PHAToken} from "./L2PHAToken.sol";
import {Owned} from "./Owned.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title PHAClaims
/// @notice Pays PHA to the accounts that held it on Substrate. An account claims by signing a statement that a person
///         can read, and anyone may relay it; the amounts are leaves of a Merkle tree whose root comes from L1 by a
///         deposit, and the PHA that backs them by the standard bridge. All amounts are in units of 10**-18 PHA.
contract PHAClaims is Owned, Attested, IPHAClaims {
    /// @param receiver Receives the payment.
    /// @param readyAt  First second, in Unix time, at which the claim can be executed; zero: none is scheduled.
    /// @param free     Free balance of the leaf.
    /// @param staked   Staked balance of the leaf.
    struct OwnerClaim {
        address receiver;
        uint64 readyAt;
        uint256 free;
        uint256 staked;
    }

    /// @notice Least gas of delivering the sweep on L1.
    uint32 public constant SWEEP_GAS_LIMIT = 200_000;

    /// @notice Seconds between scheduling and execution of an owner claim.
    uint64 public ownerClaimDelay;

    address private _pendingOwner;

    /// @notice Last second, in Unix time, at which claims are paid.
    uint64 public deadline;

    /// @notice Whether what nobody claimed was swept.
    bool public swept;

    /// @notice PHA on L2.
    L2PHAToken public token;

    /// @notice PHAMigration on L1.
    address public migration;

    /// @notice Root of the Merkle tree of claims; zero before launch.
    bytes32 public root;

    /// @notice Receives on L1 what nobody claimed; zero before launch.
    address public treasury;

    /// @notice Sum of all claims.
    uint256 public total;

    /// @notice Sum of the claims paid.
    uint256 public claimedTotal;

    /// @notice Whether an account's claim was paid.
    mapping(bytes32 accountId => bool) public claimed;

    /// @notice Claims that the owner scheduled. A record stays where the account itself claims first; it is void then.
    mapping(bytes32 accountId => OwnerClaim) public ownerClaims;

    /// @notice Token, migration and delay were set.
    event Initialized(address indexed token, address indexed migration, uint64 ownerClaimDelay);

    /// @notice The launch arrived from L1.
    event Launched(bytes32 indexed root, uint256 total, uint64 deadline, address treasury);

    /// @notice A claim was paid.
    event Claimed(bytes32 indexed accountId, address indexed receiver, uint256 free, uint256 staked);

    /// @notice The owner scheduled a claim.
    event OwnerClaimScheduled(
        bytes32 indexed accountId, address indexed receiver, uint256 free, uint256 staked, uint64 readyAt
    );

    /// @notice The owner took a scheduled claim back.
    event OwnerClaimCancelled(bytes32 indexed accountId);

    /// @notice What nobody claimed is on its way to the treasury on L1.
    event Swept(address indexed treasury, uint256 amount);

    error ZeroAddress();
    error NotMigration(address caller, address migrationAlias);
    error AlreadyLaunched(bytes32 root);
    error NotLaunched();
    error NotBacked(uint256 arrived, uint256 total);
    error AlreadyClaimed(bytes32 accountId);
    error WrongNote(bytes32 noteHash, string expected);
    error InvalidReceiver(address receiver);
    error InvalidProof(bytes32 accountId, uint256 free, uint256 staked);
    error DeadlinePassed(uint256 timestamp, uint64 deadline);
    error DeadlineNotPassed(uint256 timestamp, uint64 deadline);
    error OwnerClaimAlreadyScheduled(bytes32 accountId, uint64 readyAt);
    error OwnerClaimNotScheduled(bytes32 accountId);
    error OwnerClaimNotReady(uint256 timestamp, uint64 readyAt);
    error OwnerClaimAfterDeadline(uint64 readyAt, uint64 deadline);
    error NothingToSweep();

    /// @notice Sets what the claims work with, once.
    /// @param owner_           May schedule claims for accounts that have no key.
    /// @param token_           PHA on L2.
    /// @param migration_       PHAMigration on L1.
    /// @param ownerClaimDelay_ Seconds between scheduling and execution of an owner claim.
    function initialize(address owner_, address token_, address migration_, uint64 ownerClaimDelay_) external {
        _initializeOwner(owner_);
        if (token_ == address(0) || migration_ == address(0)) revert ZeroAddress();
        token = L2PHAToken(token_);
        migration = migration_;
        ownerClaimDelay = ownerClaimDelay_;
        emit Initialized(token_, migration_, ownerClaimDelay_);
    }

    /// @inheritdoc IPHAClaims
    /// @dev Only PHAMigration's alias may call it. It checks no values: a launch that L1 sent must not fail here, where
    ///      it cannot be sent again. PHAMigration checked them.
    function receiveLaunch(bytes32 root_, uint256 total_, uint64 deadline_, address treasury_) external {
        address migrationAlias = AddressAlias.applyAlias(migration);
        if (migration == address(0) || msg.sender != migrationAlias) revert NotMigration(msg.sender, migrationAlias);
        if (root != 0) revert AlreadyLaunched(root);
        root = root_;
        total = total_;
        deadline = deadline_;
        treasury = treasury_;
        emit Launched(root_, total_, deadline_, treasury_);
    }

    /// @notice Pays the leaf of the Substrate account that attests this transaction. Anyone may send the transaction;
    ///         the account signed for `receiver` in the note, and for all arguments in the call's hash.
    /// @param receiver Receives free + staked.
    /// @param free     Free balance of the leaf.
    /// @param staked   Staked balance of the leaf.
    /// @param proof    Merkle proof of the leaf, sibling hashes from the leaf upwards.
    function claim(address receiver, uint256 free, uint256 staked, bytes32[] calldata proof) external {
        IAttestationContext.Attestation memory attestation = _attestation();
        if (attestation.kind != KIND_SUBSTRATE_ACCOUNT) revert AttestationKindRefused(attestation.kind);
        string memory expected = claimNote(receiver);
        if (attestation.workload != keccak256(bytes(expected))) revert WrongNote(attestation.workload, expected);
        _requireClaimable(attestation.subject, receiver);
        _requireLeaf(attestation.subject, free, staked, proof);
        _pay(attestation.subject, receiver, free, staked);
    }

    /// @notice Schedules a claim for an account that cannot sign. It can be executed after the delay; until then, and
    ///         up to its execution, the account itself can claim and wins.
    function scheduleOwnerClaim(
        bytes32 accountId,
        address receiver,
        uint256 free,
        uint256 staked,
        bytes32[] calldata proof
    ) external onlyOwner {
        _requireClaimable(accountId, receiver);
        _requireLeaf(accountId, free, staked, proof);
        uint64 scheduled = ownerClaims[accountId].readyAt;
        if (scheduled != 0) revert OwnerClaimAlreadyScheduled(accountId, scheduled);
        uint64 readyAt = uint64(block.timestamp) + ownerClaimDelay;
        if (readyAt > deadline) revert OwnerClaimAfterDeadline(readyAt, deadline);
        ownerClaims[accountId] = OwnerClaim(receiver, readyAt, free, staked);
        emit OwnerClaimScheduled(accountId, receiver, free, staked, readyAt);
    }

    /// @notice Takes a scheduled claim back.
    function cancelOwnerClaim(bytes32 accountId) external onlyOwner {
        if (ownerClaims[accountId].readyAt == 0) revert OwnerClaimNotScheduled(accountId);
        delete ownerClaims[accountId];
        emit OwnerClaimCancelled(accountId);
    }

    /// @notice Pays a scheduled claim whose delay is over. Anyone may call it.
    function executeOwnerClaim(bytes32 accountId) external {
        OwnerClaim memory scheduled = ownerClaims[accountId];
        if (scheduled.readyAt == 0) revert OwnerClaimNotScheduled(accountId);
        _requireClaimable(accountId, scheduled.receiver);
        if (block.timestamp < scheduled.readyAt) revert OwnerClaimNotReady(block.timestamp, scheduled.readyAt);
        delete ownerClaims[accountId];
        _pay(accountId, scheduled.receiver, scheduled.free, scheduled.staked);
    }

    /// @notice After the deadline sends what nobody claimed to the treasury on L1, by the standard bridge. Anyone may
    ///         call it, and again where PHA arrives later.
    function sweep() external {
        if (root == 0) revert NotLaunched();
        if (block.timestamp <= deadline) revert DeadlineNotPassed(block.timestamp, deadline);
        uint256 amount = token.balanceOf(address(this));
        if (amount == 0) revert NothingToSweep();
        swept = true;
        emit Swept(treasury, amount);
        IStandardBridge(Predeploys.L2_STANDARD_BRIDGE).bridgeERC20To(
            address(token), token.remoteToken(), treasury, amount, SWEEP_GAS_LIMIT, bytes("")
        );
    }

    /// @notice What of the total has arrived: what was paid, and what lies here to pay the rest.
    function arrivedTotal() public view returns (uint256) {
        return claimedTotal + token.balanceOf(address(this));
    }

    /// @notice The note an account signs to be paid at `receiver`.
    function claimNote(address receiver) public pure returns (string memory) {
        return string.concat("receive PHA at ", Strings.toChecksumHexString(receiver));
    }

    /// @notice The leaf of an account, as OpenZeppelin's StandardMerkleTree hashes it.
    function leafHash(bytes32 accountId, uint256 free, uint256 staked) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(accountId, free, staked))));
    }

    /// @inheritdoc Owned
    function pendingOwner() public view override returns (address) {
        return _pendingOwner;
    }

    function _requireClaimable(bytes32 accountId, address receiver) private view {
        if (root == 0) revert NotLaunched();
        if (block.timestamp > deadline) revert DeadlinePassed(block.timestamp, deadline);
        uint256 arrived = arrivedTotal();
        if (arrived < total) revert NotBacked(arrived, total);
        if (claimed[accountId]) revert AlreadyClaimed(accountId);
        if (receiver == address(0) || receiver == address(this)) revert InvalidReceiver(receiver);
    }

    function _requireLeaf(bytes32 accountId, uint256 free, uint256 staked, bytes32[] calldata proof) private view {
        bool holds = MerkleProof.verifyCalldata(proof, root, leafHash(accountId, free, staked));
        if (!holds) revert InvalidProof(accountId, free, staked);
    }

    function _pay(bytes32 accountId, address receiver, uint256 free, uint256 staked) private {
        uint256 amount = free + staked;
        claimed[accountId] = true;
        claimedTotal += amount;
        emit Claimed(accountId, receiver, free, staked);
        // The token reverts where it cannot pay, and never answers false.
        token.transfer(receiver, amount);
    }

    function _setPendingOwner(address next) internal override {
        _pendingOwner = next;
    }
}
