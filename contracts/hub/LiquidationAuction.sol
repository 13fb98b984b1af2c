// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {MarginAttestation} from "../types/Margin.sol";
import {AccountState, ICreditBook} from "./ICreditBook.sol";
import {ILedger} from "./ILedger.sol";
import {ILiquidationAuction} from "./ILiquidationAuction.sol";

/// @title Margin calls, and the sale of a part of an account by falling price.
/// @dev Invariant V13: 0 < f ≤ f_max; BM after ≥ BM before · (1 − f); nothing appears or vanishes between account,
/// bidder and insurance.
/// @dev Invariant V14: a part's price is between zero and its value, and never grows while a sale runs.
/// @dev This contract holds clocks; portfolios, claims and states stay with credit book and ledger.
contract LiquidationAuction is ILiquidationAuction, Initializable {
    uint16 private constant NUMERAIRE = 1;
    uint64 private constant RESUME_MS = 3_600_000;
    /// @dev Attested balances are whole micro-dollars at best, so a buffer this close to zero is zero.
    int256 private constant BUFFER_DUST18 = 1e12;

    /// @custom:storage-location erc7201:tandem.storage.LiquidationAuction
    struct Layout {
        address creditBook;
        address ledger;
        address slotContext;
        mapping(bytes32 account => Clocks) clocks;
    }

    bytes32 private constant LAYOUT_SLOT =
        0x57b70197769fff052e0db6a7d222dfbcd597b5d03932c1e51293e7fe89c16b00;

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets the contracts that this one works with, once.
    function initialize(Config calldata config) external initializer {
        Layout storage s = _layout();
        s.creditBook = config.creditBook;
        s.ledger = config.ledger;
        s.slotContext = config.slotContext;
    }

    /// @inheritdoc ILiquidationAuction
    function restrict(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external {
        ICreditBook book = _attested(account, attestation, signature);
        AccountState state = book.state(account);
        if (state != AccountState.Healthy) revert WrongState(account, state);
        uint256 reserved18 = book.reserved(account);
        if (attestation.initial18 >= int256(reserved18)) {
            revert NotShort(account, attestation.initial18, reserved18);
        }
        book.setState(account, AccountState.Restricted);
        emit AccountRestricted(account, attestation.initial18, reserved18);
    }

    /// @inheritdoc ILiquidationAuction
    function call(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external {
        ICreditBook book = _attested(account, attestation, signature);
        AccountState state = book.state(account);
        if (state != AccountState.Healthy && state != AccountState.Restricted) {
            revert WrongState(account, state);
        }
        (int256 equity18, int256 maintenance18) = (attestation.equity18, attestation.maintenance18);
        if (!LiquidationMath.belowCallLine(equity18, maintenance18)) {
            revert NotBelowCallLine(account, equity18, maintenance18);
        }
        uint48 graceUntilMs = uint48(
            _nowMs() + LiquidationMath.graceMsDown(equity18, maintenance18)
        );
        _layout().clocks[account].graceUntilMs = graceUntilMs;
        book.setState(account, AccountState.Call);
        emit MarginCalled(account, equity18, maintenance18, graceUntilMs);
    }

    /// @inheritdoc ILiquidationAuction
    function clear(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external {
        ICreditBook book = _attested(account, attestation, signature);
        AccountState state = book.state(account);
        (int256 equity18, int256 maintenance18) = (attestation.equity18, attestation.maintenance18);
        AccountState next = _stateByInitial(book, account, attestation.initial18);
        bool clears;
        if (state == AccountState.Call) {
            clears = LiquidationMath.aboveClearLine(equity18, maintenance18);
        } else if (state == AccountState.Restricted) {
            clears = next == AccountState.Healthy;
        } else {
            revert WrongState(account, state);
        }
        if (!clears) revert NotClear(account, equity18, maintenance18);
        _layout().clocks[account].graceUntilMs = 0;
        book.setState(account, next);
        emit AccountCleared(account, next);
    }

    /// @inheritdoc ILiquidationAuction
    function start(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external {
        ICreditBook book = _attested(account, attestation, signature);
        AccountState state = book.state(account);
        if (state == AccountState.Auction || state == AccountState.Insolvent) {
            revert WrongState(account, state);
        }
        (int256 equity18, int256 maintenance18) = (attestation.equity18, attestation.maintenance18);
        if (maintenance18 >= 0) revert MaintenanceHolds(account, maintenance18);
        if (equity18 <= 0) revert Insolvent(account, equity18);

        Clocks memory c = _layout().clocks[account];
        uint64 nowMs = _nowMs();
        if (state == AccountState.Call && nowMs < c.graceUntilMs) {
            revert GraceRuns(account, nowMs, c.graceUntilMs);
        }
        bool resumes = c.finishedAtMs != 0 && nowMs < c.finishedAtMs + RESUME_MS;
        uint64 elapsedMs = resumes ? c.finishedAtMs - c.startedAtMs : 0;
        c = Clocks({graceUntilMs: 0, startedAtMs: uint48(nowMs - elapsedMs), finishedAtMs: 0});
        _layout().clocks[account] = c;
        book.setState(account, AccountState.Auction);
        emit AuctionStarted(account, equity18, maintenance18, c.startedAtMs);
    }

    /// @inheritdoc ILiquidationAuction
    function bid(
        bytes32 account,
        uint256 fraction18,
        bytes32 bidder,
        uint256 bid18,
        MarginAttestation calldata attestation,
        bytes calldata signature,
        MarginAttestation calldata bidderAttestation,
        bytes calldata bidderSignature
    ) external payable {
        if (msg.sender != address(bytes20(bidder))) revert NotAccountOwner(msg.sender, bidder);
        if (bidder == account) revert BidderIsAccount(account);
        _requireForSale(account);
        ICreditBook book = _attested(account, attestation, signature);
        Quote memory asked = _quote(
            account,
            fraction18,
            attestation.equity18,
            attestation.maintenance18
        );
        _checkBid(asked, fraction18, bidder, bid18, attestation);

        uint256 fee18 = _settle(account, fraction18, bidder, bid18);
        book.checkAfter(bidder, bidderAttestation, bidderSignature);
        emit BidTaken(
            account,
            bidder,
            fraction18,
            asked.maxFraction18,
            bid18,
            fee18,
            asked.price18
        );
    }

    /// @inheritdoc ILiquidationAuction
    function previewBid(
        bytes32 account,
        uint256 fraction18,
        bytes32 bidder,
        uint256 bid18
    ) external {
        // No check of caller or price: whatever happens here is undone by the revert below.
        if (bidder == account) revert BidderIsAccount(account);
        _settle(account, fraction18, bidder, bid18);
        (
            uint256[] memory instruments,
            int256[] memory sizes18,
            uint16[] memory assets,
            int256[] memory claims18
        ) = ICreditBook(_layout().creditBook).portfolio(bidder);
        revert BidPreview(instruments, sizes18, assets, claims18);
    }

    /// @inheritdoc ILiquidationAuction
    function finish(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external {
        _requireForSale(account);
        ICreditBook book = _attested(account, attestation, signature);
        int256 buffer18 = LiquidationMath.buffer18Down(
            attestation.equity18,
            attestation.maintenance18
        );
        if (buffer18 < -BUFFER_DUST18) revert StillShort(account, buffer18);
        _layout().clocks[account].finishedAtMs = uint48(_nowMs());
        AccountState next = _stateByInitial(book, account, attestation.initial18);
        book.setState(account, next);
        emit AuctionFinished(account, next);
    }

    /// @inheritdoc ILiquidationAuction
    function clocks(bytes32 account) external view returns (Clocks memory) {
        return _layout().clocks[account];
    }

    /// @inheritdoc ILiquidationAuction
    function price18(bytes32 account) public view returns (uint256) {
        _requireForSale(account);
        return LiquidationMath.price18Down(_nowMs() - _layout().clocks[account].startedAtMs);
    }

    /// @inheritdoc ILiquidationAuction
    function quote(
        bytes32 account,
        uint256 fraction18,
        int256 equity18,
        int256 maintenance18
    ) external view returns (Quote memory) {
        return _quote(account, fraction18, equity18, maintenance18);
    }

    /// @inheritdoc ILiquidationAuction
    function creditBook() external view returns (address) {
        return _layout().creditBook;
    }

    /// @inheritdoc ILiquidationAuction
    function ledger() external view returns (address) {
        return _layout().ledger;
    }

    /// @inheritdoc ILiquidationAuction
    function slotContext() external view returns (address) {
        return _layout().slotContext;
    }

    /// @dev Moves the part and the payment, and gives the fee.
    function _settle(
        bytes32 account,
        uint256 fraction18,
        bytes32 bidder,
        uint256 bid18
    ) private returns (uint256 fee18) {
        Layout storage s = _layout();
        fee18 = LiquidationMath.fee18Up(bid18);
        ICreditBook(s.creditBook).reassign{value: msg.value}(account, bidder, fraction18);
        if (bid18 == 0) return 0;
        ILedger(s.ledger).move(NUMERAIRE, bidder, account, int256(bid18));
        ILedger(s.ledger).payInsurance(NUMERAIRE, bidder, fee18);
    }

    function _checkBid(
        Quote memory asked,
        uint256 fraction18,
        bytes32 bidder,
        uint256 bid18,
        MarginAttestation calldata attestation
    ) private view {
        if (fraction18 > asked.maxFraction18) {
            revert FractionTooLarge(fraction18, asked.maxFraction18);
        }
        if (fraction18 < asked.minFraction18) {
            revert FractionTooSmall(fraction18, asked.minFraction18);
        }
        if (bid18 < asked.bid18) revert BidTooLow(bid18, asked.bid18);
        int256 buffer18 = LiquidationMath.buffer18Down(
            attestation.equity18,
            attestation.maintenance18
        );
        uint256 needed18 = LiquidationMath.cash18Up(
            bid18 + LiquidationMath.fee18Up(bid18),
            fraction18,
            buffer18
        );
        int256 cash18 = ILedger(_layout().ledger).claim(bidder, NUMERAIRE);
        if (cash18 < int256(needed18)) revert BidderCashShort(bidder, cash18, needed18);
    }

    function _quote(
        bytes32 account,
        uint256 fraction18,
        int256 equity18,
        int256 maintenance18
    ) private view returns (Quote memory q) {
        int256 buffer18 = LiquidationMath.buffer18Down(equity18, maintenance18);
        if (buffer18 >= 0) revert NothingToSell(account, buffer18);
        if (equity18 <= 0) revert Insolvent(account, equity18);
        q.price18 = price18(account);
        q.maxFraction18 = LiquidationMath.maxFraction18Up(buffer18, equity18, q.price18);
        q.minFraction18 = Math.ceilDiv(q.maxFraction18, 10);
        q.bid18 = LiquidationMath.bid18Up(fraction18, equity18, q.price18);
        q.fee18 = LiquidationMath.fee18Up(q.bid18);
        q.cash18 = LiquidationMath.cash18Up(q.bid18 + q.fee18, fraction18, buffer18);
    }

    function _stateByInitial(
        ICreditBook book,
        bytes32 account,
        int256 initial18
    ) private view returns (AccountState) {
        bool covered = initial18 >= int256(book.reserved(account));
        return covered ? AccountState.Healthy : AccountState.Restricted;
    }

    function _requireForSale(bytes32 account) private view {
        AccountState state = ICreditBook(_layout().creditBook).state(account);
        if (state != AccountState.Auction) revert WrongState(account, state);
    }

    function _attested(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) private view returns (ICreditBook book) {
        book = ICreditBook(_layout().creditBook);
        book.requireAttested(account, attestation, signature);
    }

    function _nowMs() private view returns (uint64) {
        return ISlotContext(_layout().slotContext).timestampMs();
    }

    function _layout() private pure returns (Layout storage s) {
        assembly ("memory-safe") {
            s.slot := LAYOUT_SLOT
        }
    }
}
