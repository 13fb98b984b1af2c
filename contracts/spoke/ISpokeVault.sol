// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageEndpoint} from "../messaging/IMessageEndpoint.sol";

/// @title Custody of one chain: locks deposits, pays withdrawals.
/// @dev Invariant: `custody = depositedTotal − paidTotal`, and the vault holds at least that many tokens.
/// @dev Invariant V17: payments of an asset are made in the order of their arrival, each in full.
/// @dev Invariant V25: payments come through the strict module, never by a message that validators did not sign.
interface ISpokeVault is IMessageEndpoint {
    /// @notice A token that the vault keeps.
    struct AssetConfig {
        uint16 asset;
        address token;
        /// Decimals of the token here, at most 18.
        uint8 decimals;
        /// Most that custody may hold, in token units; deposits above are refused.
        uint256 custodyCap;
    }

    struct Config {
        EndpointConfig endpoint;
        uint32 hubChainId;
        AssetConfig[] assets;
    }

    /// @notice A payment that waits for liquidity.
    struct QueuedPayment {
        address recipient;
        uint256 amount;
    }

    error UnknownAsset(uint16 asset);
    error AssetAlreadySet(uint16 asset, address token);
    /// @notice The token's own decimals differ from the configured ones, or exceed 18.
    error WrongDecimals(uint16 asset, uint8 given, uint8 actual);
    error ZeroAmount();
    /// @notice Account zero, or one without an owner, cannot receive.
    error AccountWithoutOwner(bytes32 account);
    /// @notice The token moved another amount than asked: it takes fees or rebases, and is refused.
    error AmountMismatch(uint256 moved, uint256 asked);
    error CustodyCapExceeded(uint16 asset, uint256 wanted, uint256 cap);
    /// @notice A guardian may only lower a cap.
    error CapNotLower(uint256 given, uint256 current);
    /// @notice The amount is no whole number of the token's units here.
    error FractionOfUnit(uint256 amount18, uint8 decimals);
    /// @notice A payment needs this much gas for the token, or it would be parked for want of it.
    error GasTooLow(uint256 gasLeft, uint256 gasNeeded);
    error NothingToClaim(uint16 asset, address recipient);

    event AssetSet(uint16 indexed asset, address indexed token, uint8 decimals, uint256 custodyCap);
    event Deposited(
        uint16 indexed asset,
        bytes32 indexed account,
        uint256 amount,
        bytes32 messageId
    );
    event LiquidityDeposited(
        uint16 indexed asset,
        bytes32 indexed account,
        uint256 amount,
        bytes32 messageId
    );
    event Paid(uint16 indexed asset, address indexed recipient, uint256 amount);
    event PaymentQueued(
        uint16 indexed asset,
        address indexed recipient,
        uint256 amount,
        uint256 position
    );
    /// @notice The token refused the transfer; the recipient can claim the amount.
    event PaymentParked(uint16 indexed asset, address indexed recipient, uint256 amount);

    /// @notice Locks tokens; the hub credits the account when validators have signed the message.
    /// @param amount In the token's own units.
    /// @return messageId Hyperlane's id of the Deposit.
    function deposit(
        uint16 asset,
        uint256 amount,
        bytes32 account
    ) external payable returns (bytes32 messageId);

    /// @notice Locks tokens as liquidity of the pool.
    function depositLiquidity(
        uint16 asset,
        uint256 amount,
        bytes32 account
    ) external payable returns (bytes32 messageId);

    /// @notice Pays queued payments of an asset in their order, as far as custody reaches; anybody may call.
    /// @return paid How many left the queue.
    function processQueue(uint16 asset, uint256 max) external returns (uint256 paid);

    /// @notice Pays what the token once refused to send to the caller.
    function claim(uint16 asset, address to) external returns (uint256 amount);

    /// @notice Adds an asset; governance only.
    function addAsset(AssetConfig calldata config) external;

    /// @notice Sets a custody cap: governance freely, the guardian only lower.
    function setCustodyCap(uint16 asset, uint256 cap) external;

    function hubChainId() external view returns (uint32);

    /// @notice The asset as it is kept here; token zero when it is not.
    function assetConfig(uint16 asset) external view returns (AssetConfig memory);

    /// @notice Tokens that the books say are here: deposited less paid. Token units.
    function custody(uint16 asset) external view returns (uint256);

    /// @notice Tokens that the vault really holds; more than `custody` when someone gave tokens away.
    function balance(uint16 asset) external view returns (uint256);

    /// @notice Everything ever deposited, liquidity included. Token units.
    function depositedTotal(uint16 asset) external view returns (uint256);

    /// @notice Everything ever paid out. Token units.
    function paidTotal(uint16 asset) external view returns (uint256);

    /// @notice What waits in the queue. Token units.
    function queuedTotal(uint16 asset) external view returns (uint256);

    /// @notice What was due, was refused by the token, and can be claimed. Token units.
    function claimableTotal(uint16 asset) external view returns (uint256);

    /// @notice What one recipient can claim. Token units.
    function claimable(uint16 asset, address recipient) external view returns (uint256);

    /// @notice Bounds of the queue: payments `[head, tail)` wait.
    function queueBounds(uint16 asset) external view returns (uint256 head, uint256 tail);

    function queuedPayment(
        uint16 asset,
        uint256 position
    ) external view returns (QueuedPayment memory);
}
