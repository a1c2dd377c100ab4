// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IPHAClaims} from "../l2/IPHAClaims.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {IOptimismPortal} from "./IOptimismPortal.sol";
import {IPHAMigration} from "./IPHAMigration.sol";

/// @title PHAMigration
/// @notice Holds the PHA that backs the claims on L2, and starts them: the owner sets the root of the claims once and
///         launches once. What is claimed on L2 stays backed here; what nobody claimed goes to the treasury.
contract PHAMigration is IPHAMigration {
    using SafeERC20 for IERC20;

    /// @notice Gas of the launch message on L2. Delivering it takes about 160,000.
    uint64 public constant LAUNCH_GAS_LIMIT = 400_000;

    /// @notice Sets the root and launches.
    address public immutable owner;

    /// @notice PHA on L1.
    IERC20 public immutable token;

    /// @notice The portal to L2.
    IOptimismPortal public immutable portal;

    /// @notice Receives what nobody claimed.
    address public immutable treasury;

    /// @notice Root of the Merkle tree of claims; zero before `setRoot`.
    bytes32 public root;

    /// @notice Sum of all claims, in units of 10**-18 PHA.
    uint256 public total;

    /// @notice Last second, in Unix time on L2, at which claims are paid.
    uint64 public deadline;

    /// @notice Whether the claims were launched.
    bool public launched;

    /// @notice The root of the claims was set.
    event RootSet(bytes32 indexed root, uint256 total, uint64 deadline);

    /// @notice The launch message to L2 was deposited.
    event LaunchSent(bytes32 indexed root, uint256 total, uint64 deadline);

    /// @notice PHA that nobody claimed went to the treasury.
    event SweepReceived(address indexed treasury, uint256 amount);

    error ZeroAddress();
    error NotOwner(address caller, address owner);
    error RootAlreadySet(bytes32 root);
    error RootNotSet();
    error InvalidRoot(bytes32 root, uint256 total);
    error DeadlineNotInFuture(uint64 deadline, uint256 timestamp);
    error AlreadyLaunched();
    error InsufficientBacking(uint256 balance, uint256 total);
    error NotPortal(address caller, address portal);
    error NotClaims(address l2Sender, address claims);

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        _;
    }

    /// @param owner_    Sets the root and launches.
    /// @param token_    PHA on L1.
    /// @param portal_   The portal to L2.
    /// @param treasury_ Receives what nobody claimed.
    constructor(address owner_, address token_, address portal_, address treasury_) {
        if (owner_ == address(0) || token_ == address(0) || portal_ == address(0) || treasury_ == address(0)) {
            revert ZeroAddress();
        }
        owner = owner_;
        token = IERC20(token_);
        portal = IOptimismPortal(portal_);
        treasury = treasury_;
    }

    /// @notice Sets what can be claimed, once.
    /// @param root_     Root of the tree of (accountId, free, staked), as OpenZeppelin's StandardMerkleTree makes it.
    /// @param total_    Sum of all leaves, in units of 10**-18 PHA.
    /// @param deadline_ Last second, in Unix time, at which claims are paid.
    function setRoot(bytes32 root_, uint256 total_, uint64 deadline_) external onlyOwner {
        if (root != 0) revert RootAlreadySet(root);
        if (root_ == 0 || total_ == 0) revert InvalidRoot(root_, total_);
        if (deadline_ <= block.timestamp) revert DeadlineNotInFuture(deadline_, block.timestamp);
        root = root_;
        total = total_;
        deadline = deadline_;
        emit RootSet(root_, total_, deadline_);
    }

    /// @notice Sends root, total and deadline to PHAClaims on L2, once. The whole total must lie here as backing.
    function launch() external onlyOwner {
        if (root == 0) revert RootNotSet();
        if (launched) revert AlreadyLaunched();
        uint256 balance = token.balanceOf(address(this));
        if (balance < total) revert InsufficientBacking(balance, total);
        launched = true;
        emit LaunchSent(root, total, deadline);
        portal.depositTransaction(
            Predeploys.PHA_CLAIMS,
            0,
            LAUNCH_GAS_LIMIT,
            false,
            abi.encodeCall(IPHAClaims.receiveBacking, (root, total, deadline))
        );
    }

    /// @inheritdoc IPHAMigration
    /// @dev Called by the portal as it finalises the withdrawal that PHAClaims initiated when it burned `amount` on L2.
    function receiveSweep(uint256 amount) external {
        if (msg.sender != address(portal)) revert NotPortal(msg.sender, address(portal));
        address sender = portal.l2Sender();
        if (sender != Predeploys.PHA_CLAIMS) revert NotClaims(sender, Predeploys.PHA_CLAIMS);
        emit SweepReceived(treasury, amount);
        token.safeTransfer(treasury, amount);
    }
}
