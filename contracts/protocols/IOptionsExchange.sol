// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignedInstrumentRisk} from "../types/Margin.sol";

/// @notice An offer by an account, signed by its owner; EIP-712, domain of the exchange.
struct Order {
    bytes32 account;
    uint256 riskKey;
    /// Contracts × 10^18; above zero the account buys, below it sells.
    int256 size18;
    /// USD × 10^18 for one contract.
    uint256 price18;
    /// Tells equal orders apart, and lets the owner cancel all below a number.
    uint64 nonce;
    /// Last second of the log's time in which it may be filled.
    uint40 expiryS;
    /// Account that alone may fill it; zero: any.
    bytes32 taker;
}

/// @notice How a fill belongs to a bundle.
struct Guard {
    /// Salt of the bundle; zero: the fill may stand alone.
    bytes32 salt;
    /// Last slot of the log in which the fill may stand.
    uint64 maxSlot;
    /// The taker's margin is checked by the bundle's leg on the hub, not against leased capacity.
    bool joint;
}

/// @title European options, settled in cash, traded by signed orders on the pool's collateral.
interface IOptionsExchange {
    struct Config {
        address pool;
        address slotContext;
        address registry;
        address marks;
    }

    /// @notice A listed series.
    struct Series {
        /// Counted from 1 in the order of listing; 0: not listed.
        uint32 index;
        bool settled;
        /// What one contract pays, USD × 10^18; 0 until settled.
        uint128 payoff18;
    }

    /// @notice The key names no option, or bits above it are set.
    error NotAnOption(uint256 riskKey);
    /// @notice The registry does not know this exchange.
    error NotRegistered(address registry);
    error AlreadyListed(uint256 riskKey);
    error NotListed(uint256 riskKey);
    /// @notice Marks do not know this underlying and expiry.
    error NoMarks(uint16 underlying, uint40 expiryS);
    /// @notice The strike is too far from the forward to be margined: 1/32 to 32 times.
    error StrikeTooFar(uint64 strike8, uint64 forward8);
    error SeriesExpired(uint256 riskKey, uint40 expiryS, uint256 nowS);
    error NotExpired(uint256 riskKey, uint40 expiryS, uint256 nowS);
    error NotAccountOwner(address caller, bytes32 account);
    error BadOrderSignature(address signer, address expected);
    error OrderExpired(uint40 expiryS, uint256 nowS);
    error OrderCancelled(bytes32 orderHash);
    /// @notice All orders of the account below `minimum` are cancelled.
    error NonceCancelled(uint64 nonce, uint64 minimum);
    error NotTheTaker(bytes32 given, bytes32 expected);
    error SelfTrade(bytes32 account);
    error ZeroSize();
    error Overfilled(bytes32 orderHash, uint256 size18, uint256 open18);
    error PriceOutOfRange(uint256 price18);
    /// @notice A joint fill belongs to a bundle.
    error JointWithoutBundle();
    error NotSettled(uint256 riskKey);
    error AlreadySettled(uint256 riskKey);
    error TooManyAccounts(uint256 given, uint256 limit);
    /// @notice Accounts to settle stand in ascending order, each once.
    error AccountsNotAscending(bytes32 previous, bytes32 account);
    /// @notice No account of these is long while another is short.
    error NothingToSettle(uint256 riskKey);

    event SeriesListed(
        uint256 indexed riskKey,
        uint16 indexed underlying,
        uint40 expiryS,
        uint64 strike8,
        bool put,
        uint32 index
    );
    /// @notice `size18` as the maker sees it: above zero the maker bought.
    event Filled(
        bytes32 indexed orderHash,
        bytes32 indexed maker,
        bytes32 indexed taker,
        uint256 riskKey,
        int256 size18,
        uint256 price18,
        uint256 cash18
    );
    event OrderCancellation(bytes32 indexed orderHash, bytes32 indexed account);
    event NonceCancellation(bytes32 indexed account, uint64 minimum);
    event SeriesSettled(uint256 indexed riskKey, uint64 price8, uint128 payoff18);
    event AccountSettled(
        bytes32 indexed account,
        uint256 indexed riskKey,
        int256 size18,
        int256 cash18
    );
    event PositionMoved(
        bytes32 indexed from,
        bytes32 indexed to,
        uint256 indexed riskKey,
        int256 size18
    );

    /// @notice Lists a series whose underlying and expiry have marks; anybody may.
    function list(uint256 riskKey) external returns (uint32 index);

    /// @notice Fills a part of an order. The taker's owner calls; the maker uses leased capacity.
    /// @param size18 Contracts × 10^18, above zero; the taker takes the other side of the order.
    /// @param guard Binds the fill to a bundle.
    /// @param risks Signed risk of the instrument, unless both sides need none.
    function fill(
        Order calldata order,
        bytes calldata signature,
        bytes32 taker,
        uint256 size18,
        Guard calldata guard,
        SignedInstrumentRisk[] calldata risks
    ) external payable;

    /// @notice Cancels what is left of an order; its account's owner only.
    function cancel(Order calldata order) external;

    /// @notice Cancels all orders of an account with a lower nonce; its owner only.
    function cancelBelow(bytes32 account, uint64 minimum) external;

    /// @notice Fixes what a series pays, by the mean of the last half hour; anybody may, once it expired.
    function settleSeries(uint256 riskKey) external;

    /// @notice Pays out a settled series between accounts, longs against shorts, as far as they match.
    /// @param accounts Ascending, at most 64.
    function settleAccounts(uint256 riskKey, bytes32[] calldata accounts) external payable;

    function series(uint256 riskKey) external view returns (Series memory);

    /// @notice Contracts × 10^18, signed.
    function sizeOf(bytes32 account, uint256 riskKey) external view returns (int256);

    /// @notice Contracts × 10^18 of an order that can still be filled, apart from its expiry.
    function openSize(Order calldata order) external view returns (uint256);

    /// @notice The digest that the account's owner signs.
    function orderDigest(Order calldata order) external view returns (bytes32);

    /// @notice Id of the instrument that a series is on this exchange: protocol above risk key.
    function instrumentOf(uint256 riskKey) external view returns (uint256);

    function seriesCount() external view returns (uint32);
    function marks() external view returns (address);
}
