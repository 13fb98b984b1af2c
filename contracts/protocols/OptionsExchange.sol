// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acting} from "../libraries/Acting.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {CrossMarginClient} from "../kit/CrossMarginClient.sol";
import {OptionSeries} from "../libraries/OptionSeries.sol";
import {PackedSizes, SizePair} from "../libraries/PackedSizes.sol";
import {SettlementCash} from "../libraries/SettlementCash.sol";
import {IMarkFeeds} from "../marks/IMarkFeeds.sol";
import {IProtocolRegistry} from "../spoke/IProtocolRegistry.sol";
import {Change, SignedInstrumentRisk} from "../types/Margin.sol";
import {Guard, IOptionsExchange, Order} from "./IOptionsExchange.sol";
import {SignedOrders} from "./SignedOrders.sol";

/// @title European options, settled in cash, traded by signed orders on the pool's collateral.
/// @dev Invariant: the sizes of all accounts in a series sum to zero, after every call.
/// @dev Holds sizes and orders only: cash and margin are the pool's.
contract OptionsExchange is SignedOrders, CrossMarginClient {
    using OptionSeries for uint256;
    using OptionSeries for OptionSeries.Parts;
    using PackedSizes for SizePair;

    /// @dev As many as the pool takes changes in one call.
    uint256 private constant ACCOUNTS_MAX = 64;
    uint256 private constant STRIKE_FACTOR_MAX = 32;

    /// @custom:storage-location erc7201:tandem.storage.OptionsExchange
    struct Layout {
        address marks;
        uint32 seriesCount;
        mapping(uint256 riskKey => Series) series;
        mapping(bytes32 account => mapping(uint256 pairIndex => SizePair)) sizes;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.OptionsExchange")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x0230ed1b42836d1b3d9d7f892780c1bd8bf7d6bbec5433c963628f72b7eba500;

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets the contracts that this one works with, once; the registry must know it already.
    function initialize(Config calldata config) external initializer {
        uint32 id = IProtocolRegistry(config.registry).protocolIdOf(address(this));
        if (id == 0) revert NotRegistered(config.registry);
        _initClient(config.pool, config.slotContext, id);
        _layout().marks = config.marks;
    }

    /// @inheritdoc IOptionsExchange
    function list(uint256 riskKey) external returns (uint32 index) {
        Layout storage s = _layout();
        if (!riskKey.isOption()) revert NotAnOption(riskKey);
        if (s.series[riskKey].index != 0) revert AlreadyListed(riskKey);
        OptionSeries.Parts memory parts = riskKey.parts();
        _requireUnexpired(riskKey, parts.expiryS);
        IMarkFeeds feeds = IMarkFeeds(s.marks);
        if (!feeds.hasExpiry(parts.underlying, parts.expiryS)) {
            revert NoMarks(parts.underlying, parts.expiryS);
        }
        uint64 forward8 = feeds.expiryMark(parts.underlying, parts.expiryS).forward8;
        uint256 strike8 = parts.strike8;
        if (strike8 > forward8 * STRIKE_FACTOR_MAX || strike8 * STRIKE_FACTOR_MAX < forward8) {
            revert StrikeTooFar(parts.strike8, forward8);
        }

        index = ++s.seriesCount;
        s.series[riskKey].index = index;
        emit SeriesListed(
            riskKey,
            parts.underlying,
            parts.expiryS,
            parts.strike8,
            parts.put,
            index
        );
    }

    /// @inheritdoc IOptionsExchange
    function fill(
        Order calldata order,
        bytes calldata signature,
        bytes32 taker,
        uint256 size18,
        Guard calldata guard,
        SignedInstrumentRisk[] calldata risks
    ) external payable onlyInBundle(guard.salt, guard.maxSlot) {
        if (guard.joint && guard.salt == 0) revert JointWithoutBundle();
        _requireOwner(taker);
        uint32 index = _listed(order.riskKey).index;
        _requireUnexpired(order.riskKey, order.riskKey.parts().expiryS);
        bytes32 hash = _takeOrder(order, signature, taker, size18);

        Change[] memory changes = _trade(hash, order, taker, size18, index);
        if (guard.joint) changes[1].jointSalt = guard.salt;
        _apply(changes, risks);
    }

    /// @inheritdoc IOptionsExchange
    function settleSeries(uint256 riskKey) external {
        Layout storage s = _layout();
        Series memory current = _listed(riskKey);
        if (current.settled) revert AlreadySettled(riskKey);
        OptionSeries.Parts memory parts = riskKey.parts();
        uint256 nowS = _nowS();
        if (nowS < parts.expiryS) revert NotExpired(riskKey, parts.expiryS, nowS);
        // Reverts until the half hour before expiry is over and carries enough marks.
        uint64 price8 = IMarkFeeds(s.marks).settlementPrice8(parts.underlying, parts.expiryS);
        current.settled = true;
        current.payoff18 = parts.payoff18(price8);
        s.series[riskKey] = current;
        emit SeriesSettled(riskKey, price8, current.payoff18);
    }

    /// @inheritdoc IOptionsExchange
    function settleAccounts(uint256 riskKey, bytes32[] calldata accounts) external payable {
        Series memory settled = _listed(riskKey);
        if (!settled.settled) revert NotSettled(riskKey);
        (int256[] memory closed18, int256[] memory cash18) = SettlementCash.pair(
            _sizes(accounts, settled.index),
            settled.payoff18
        );

        uint256 count = 0;
        for (uint256 i = 0; i < closed18.length; ++i) {
            if (closed18[i] != 0) ++count;
        }
        if (count == 0) revert NothingToSettle(riskKey);
        Change[] memory changes = new Change[](count);
        uint256 instrument = instrumentOf(riskKey);
        count = 0;
        for (uint256 i = 0; i < closed18.length; ++i) {
            if (closed18[i] == 0) continue;
            _move(accounts[i], settled.index, closed18[i]);
            changes[count++] = Change(accounts[i], instrument, closed18[i], cash18[i], 0);
            emit AccountSettled(accounts[i], riskKey, closed18[i], cash18[i]);
        }
        _apply(changes, new SignedInstrumentRisk[](0));
    }

    /// @inheritdoc IOptionsExchange
    function series(uint256 riskKey) external view returns (Series memory) {
        return _layout().series[riskKey];
    }

    /// @inheritdoc IOptionsExchange
    function sizeOf(bytes32 account, uint256 riskKey) external view returns (int256) {
        Layout storage s = _layout();
        uint32 index = s.series[riskKey].index;
        return index == 0 ? int256(0) : s.sizes[account][index / 2].sizeAt(index);
    }

    /// @inheritdoc IOptionsExchange
    function instrumentOf(uint256 riskKey) public view returns (uint256) {
        return (uint256(protocolId()) << OptionSeries.KEY_BITS) | riskKey;
    }

    /// @inheritdoc IOptionsExchange
    function seriesCount() external view returns (uint32) {
        return _layout().seriesCount;
    }

    /// @inheritdoc IOptionsExchange
    function marks() external view returns (address) {
        return _layout().marks;
    }

    /// @dev Sizes follow the hub's liquidation, also after expiry and settlement: the pair settles it later.
    function _reassign(
        bytes32 from,
        bytes32 to,
        uint256 instrument,
        int256 size18
    ) internal override {
        uint256 riskKey = instrument & ((1 << OptionSeries.KEY_BITS) - 1);
        uint32 index = _listed(riskKey).index;
        _move(from, index, -size18);
        _move(to, index, size18);
        emit PositionMoved(from, to, riskKey, size18);
    }

    /// @dev Moves contracts, and gives the changes for the pool: the maker's, then the taker's.
    function _trade(
        bytes32 hash,
        Order calldata order,
        bytes32 taker,
        uint256 size18,
        uint32 index
    ) private returns (Change[] memory changes) {
        uint256 cash18 = _cashInMakersFavour(order, size18);
        (int256 bought18, int256 paid18) = order.size18 > 0
            ? (int256(size18), int256(cash18))
            : (-int256(size18), -int256(cash18));
        _move(order.account, index, bought18);
        _move(taker, index, -bought18);

        uint256 instrument = instrumentOf(order.riskKey);
        changes = new Change[](2);
        changes[0] = Change(order.account, instrument, bought18, -paid18, 0);
        changes[1] = Change(taker, instrument, -bought18, paid18, 0);
        emit Filled(hash, order.account, taker, order.riskKey, bought18, order.price18, cash18);
    }

    /// @dev Cash for `size18` contracts, rounded up when the maker sells and down when it buys.
    function _cashInMakersFavour(
        Order calldata order,
        uint256 size18
    ) private pure returns (uint256) {
        Math.Rounding rounding = order.size18 > 0 ? Math.Rounding.Floor : Math.Rounding.Ceil;
        return Math.mulDiv(order.price18, size18, 1e18, rounding);
    }

    function _move(bytes32 account, uint32 index, int256 change18) private {
        mapping(uint256 => SizePair) storage pairs = _layout().sizes[account];
        SizePair pair = pairs[index / 2];
        pairs[index / 2] = pair.withSize(index, pair.sizeAt(index) + change18);
    }

    function _sizes(
        bytes32[] calldata accounts,
        uint32 index
    ) private view returns (int256[] memory sizes18) {
        if (accounts.length > ACCOUNTS_MAX) revert TooManyAccounts(accounts.length, ACCOUNTS_MAX);
        sizes18 = new int256[](accounts.length);
        bytes32 previous = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] <= previous) revert AccountsNotAscending(previous, accounts[i]);
            previous = accounts[i];
            sizes18[i] = _layout().sizes[previous][index / 2].sizeAt(index);
        }
    }

    /// @dev The log's time, which is the pool's too; a block may close several slots.
    function _nowS() internal view override returns (uint256) {
        return slotContext().timestampMs() / 1_000;
    }

    /// @inheritdoc SignedOrders
    function _caller() internal view override returns (address) {
        return Acting.caller(address(slotContext()));
    }

    function _listed(uint256 riskKey) private view returns (Series memory found) {
        found = _layout().series[riskKey];
        if (found.index == 0) revert NotListed(riskKey);
    }

    function _requireUnexpired(uint256 riskKey, uint40 expiryS) private view {
        uint256 nowS = _nowS();
        if (nowS >= expiryS) revert SeriesExpired(riskKey, expiryS, nowS);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly ("memory-safe") {
            s.slot := LAYOUT_SLOT
        }
    }
}
