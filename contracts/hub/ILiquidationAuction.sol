// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MarginAttestation} from "../types/Margin.sol";
import {AccountState} from "./ICreditBook.sol";

/// @title Margin calls, and the sale of a part of an account by falling price.
/// @notice E is equity, M the maintenance balance and I the initial balance of an attestation; E − M is the
/// requirement, BM = E − 1.15(E − M). Anybody may bring an attestation; only its content counts.
interface ILiquidationAuction {
    struct Config {
        address creditBook;
        address ledger;
        address slotContext;
    }

    /// @notice Clocks of one account, milliseconds of the log's time; zero when there is none.
    struct Clocks {
        /// While the account is called: when its sale may start.
        uint48 graceUntilMs;
        /// When the price began to fall.
        uint48 startedAtMs;
        /// When the last sale ended.
        uint48 finishedAtMs;
    }

    /// @notice What a bid costs now.
    struct Quote {
        /// Price as a share of value × 10^18.
        uint256 price18;
        /// Largest part that may be bought × 10^18.
        uint256 maxFraction18;
        /// Smallest part that may be bought × 10^18.
        uint256 minFraction18;
        /// Least to pay to the account for `fraction18`, USD × 10^18.
        uint256 bid18;
        /// Paid to insurance besides.
        uint256 fee18;
        /// Cash claim that the bidder needs.
        uint256 cash18;
    }

    error NotAccountOwner(address caller, bytes32 account);
    error WrongState(bytes32 account, AccountState state);
    /// @notice The account is not below its call line: 11 M ≥ E.
    error NotBelowCallLine(bytes32 account, int256 equity18, int256 maintenance18);
    /// @notice BM is below 5 % of the requirement, or initial margin does not cover the credit in use.
    error NotClear(bytes32 account, int256 equity18, int256 maintenance18);
    /// @notice Initial margin covers the account's free credit.
    error NotShort(bytes32 account, int256 initial18, uint256 reserved18);
    error MaintenanceHolds(bytes32 account, int256 maintenance18);
    error GraceRuns(bytes32 account, uint64 nowMs, uint64 graceUntilMs);
    /// @notice Nothing of value is left to sell.
    error Insolvent(bytes32 account, int256 equity18);
    /// @notice BM is not below zero: nothing needs to be sold.
    error NothingToSell(bytes32 account, int256 buffer18);
    /// @notice BM is still below zero.
    error StillShort(bytes32 account, int256 buffer18);
    error FractionTooSmall(uint256 fraction18, uint256 minFraction18);
    error FractionTooLarge(uint256 fraction18, uint256 maxFraction18);
    error BidTooLow(uint256 bid18, uint256 needed18);
    error BidderIsAccount(bytes32 account);
    error BidderCashShort(bytes32 bidder, int256 cash18, uint256 needed18);
    /// @notice Carries the bidder's portfolio as {previewBid} would leave it.
    error BidPreview(uint256[] instruments, int256[] sizes18, uint16[] assets, int256[] claims18);

    event MarginCalled(
        bytes32 indexed account,
        int256 equity18,
        int256 maintenance18,
        uint64 graceUntilMs
    );
    event AccountRestricted(bytes32 indexed account, int256 initial18, uint256 reserved18);
    event AccountCleared(bytes32 indexed account, AccountState state);
    event AuctionStarted(
        bytes32 indexed account,
        int256 equity18,
        int256 maintenance18,
        uint64 startedAtMs
    );
    event BidTaken(
        bytes32 indexed account,
        bytes32 indexed bidder,
        uint256 fraction18,
        uint256 maxFraction18,
        uint256 bid18,
        uint256 fee18,
        uint256 price18
    );
    event AuctionFinished(bytes32 indexed account, AccountState state);

    /// @notice Marks a healthy account whose initial margin does not cover its free credit: I < Σ(c − x).
    function restrict(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice Calls an account that is below its call line, and starts its grace: 60 s at the line, less the closer
    /// M is to zero.
    function call(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice Ends a call when BM is at least 5 % of the requirement, or a restriction when I covers free credit.
    function clear(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice Starts the sale of an account with M < 0 and E > 0, after its grace if it was called. A sale within an
    /// hour of the last one goes on where the price stood.
    function start(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice Buys a part: that fraction of every position and claim, cash included, goes to the bidder. The bidder
    /// pays exactly `bid18` to the account, and 1 % of it to insurance.
    /// @dev Since the price only falls, what {quote} asked at an earlier moment is enough later, so a bidder knows
    /// the portfolio it will hold when it asks for `bidderAttestation`.
    /// Coin sent along pays for the messages to the spokes; what they do not cost stays with the credit book for
    /// later ones.
    /// @param fraction18 Part × 10^18: at most what brings BM to zero, at least a tenth of that.
    /// @param bidder Account of the caller.
    /// @param attestation About the account before the bid.
    /// @param bidderAttestation About the bidder after it; its initial margin must hold.
    function bid(
        bytes32 account,
        uint256 fraction18,
        bytes32 bidder,
        uint256 bid18,
        MarginAttestation calldata attestation,
        bytes calldata signature,
        MarginAttestation calldata bidderAttestation,
        bytes calldata bidderSignature
    ) external payable;

    /// @notice Always reverts, with {BidPreview}: the bidder's portfolio after such a bid. For `eth_call`.
    function previewBid(
        bytes32 account,
        uint256 fraction18,
        bytes32 bidder,
        uint256 bid18
    ) external;

    /// @notice Ends a sale when BM is zero again, to a micro-dollar.
    function finish(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice Clocks of an account.
    function clocks(bytes32 account) external view returns (Clocks memory);

    /// @notice Price now of an account under sale, as a share of value × 10^18.
    function price18(bytes32 account) external view returns (uint256);

    /// @notice What a part of an account with this equity and maintenance balance costs now. Reverts when the account
    /// is not for sale.
    function quote(
        bytes32 account,
        uint256 fraction18,
        int256 equity18,
        int256 maintenance18
    ) external view returns (Quote memory);

    function creditBook() external view returns (address);
    function ledger() external view returns (address);
    function slotContext() external view returns (address);
}
