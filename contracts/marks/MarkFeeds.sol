// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {FeedHash} from "../libraries/FeedHash.sol";
import {FeedRules} from "../libraries/FeedRules.sol";
import {NetworkDomain} from "../libraries/NetworkDomain.sol";
import {SettlementTally, SettlementWindow} from "../libraries/SettlementWindow.sol";
import {INetworkId} from "../sequencing/INetworkId.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";
import {ExpiryMark, FeedUpdate, IMarkFeeds, SettlementFix, SpotMark} from "./IMarkFeeds.sol";

/// @title Signed marks of every underlying, and the settlement price of every expiry.
/// @dev Every chain receives the same updates in the same order, so `marksSeq` is the log's count of marks.
/// @dev Invariant: sequence and timestamp of an underlying never fall.
/// @dev Invariant: a settlement price, once given, never changes: a window takes no mark after the feeds' time
/// has reached its expiry.
contract MarkFeeds is IMarkFeeds, Initializable {
    using SettlementWindow for SettlementTally;

    uint256 private constant SIGNERS_MAX = 16;

    /// @dev One word.
    struct StoredSpot {
        uint64 spot8;
        uint64 stable8;
        uint64 sequence;
        uint48 timestampMs;
        uint16 confidence4;
    }

    /// @dev Two words; the expiry is the key.
    struct StoredMark {
        uint64 forward8;
        int64 a9;
        uint64 b9;
        int64 m9;
        int64 rho9;
        uint64 s9;
        uint32 tauS;
        int32 rate6;
        uint16 confidence4;
    }

    /// @custom:storage-location erc7201:tandem.storage.MarkFeeds
    struct Layout {
        address slotContext;
        uint64 marksSeq;
        uint8 threshold;
        uint32 toleranceMs;
        address networkId;
        address governance;
        address guardian;
        address[] signers;
        mapping(uint16 underlying => StoredSpot) spots;
        mapping(uint16 underlying => uint40[]) expiries;
        mapping(uint16 underlying => mapping(uint40 expiryS => StoredMark)) marks;
        mapping(uint16 underlying => mapping(uint40 expiryS => SettlementTally)) tallies;
    }

    bytes32 private constant LAYOUT_SLOT =
        0x6acc7514977011b49f03ae03753817d038364de1333fda514ce223f14d0c0800;

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets roles and rules, once.
    function initialize(Config calldata config) external initializer {
        Layout storage s = _layout();
        s.slotContext = config.slotContext;
        s.networkId = config.networkId;
        s.governance = config.governance;
        s.guardian = config.guardian;
        _setSigners(s, config.signers, config.threshold, config.toleranceMs);
    }

    /// @inheritdoc IMarkFeeds
    function update(FeedUpdate calldata marks, bytes[] calldata signatures) external {
        Layout storage s = _layout();
        FeedRules.check(marks);
        _checkOrder(s, marks);
        _checkSignatures(s, FeedHash.hashUpdate(marks), signatures);

        uint40[] memory live = _takeExpiries(s, marks);
        _replaceExpiries(s, marks.underlying, live);
        s.spots[marks.underlying] = StoredSpot({
            spot8: marks.spot8,
            stable8: marks.stable8,
            sequence: marks.sequence,
            // `FeedRules` holds the time below 2^48 ms.
            timestampMs: uint48(marks.timestampMs),
            confidence4: marks.spotConfidence4
        });
        uint64 seq = ++s.marksSeq;

        emit MarksUpdated(
            marks.underlying,
            seq,
            marks.sequence,
            marks.timestampMs,
            marks.spot8,
            live.length
        );
    }

    /// @inheritdoc IMarkFeeds
    function fixSettlement(
        SettlementFix calldata settlement,
        bytes[] calldata signatures
    ) external {
        Layout storage s = _layout();
        if (msg.sender != s.guardian) revert Unauthorised(msg.sender, s.guardian);
        (uint16 underlying, uint40 expiryS) = (settlement.underlying, settlement.expiryS);
        if (settlement.price8 == 0) revert OutOfRange("price8", expiryS, 0);
        _checkClosed(s, underlying, expiryS);
        SettlementTally tally = s.tallies[underlying][expiryS];
        if (tally.present() >= SettlementWindow.NEEDED) {
            revert AlreadySettled(underlying, expiryS, tally.mean8Down());
        }
        _checkSignatures(s, FeedHash.hashFix(settlement), signatures);

        s.tallies[underlying][expiryS] = SettlementWindow.filled(settlement.price8);
        emit SettlementFixed(underlying, expiryS, settlement.price8);
    }

    /// @inheritdoc IMarkFeeds
    function setSigners(address[] calldata signers, uint8 threshold, uint32 toleranceMs) external {
        Layout storage s = _layout();
        if (msg.sender != s.governance) revert Unauthorised(msg.sender, s.governance);
        _setSigners(s, signers, threshold, toleranceMs);
    }

    /// @inheritdoc IMarkFeeds
    function marksSeq() external view returns (uint64) {
        return _layout().marksSeq;
    }

    /// @inheritdoc IMarkFeeds
    function spot(uint16 underlying) external view returns (SpotMark memory) {
        StoredSpot memory stored = _layout().spots[underlying];
        return
            SpotMark({
                spot8: stored.spot8,
                stable8: stored.stable8,
                sequence: stored.sequence,
                timestampMs: stored.timestampMs,
                confidence4: stored.confidence4
            });
    }

    /// @inheritdoc IMarkFeeds
    function ageMs(uint16 underlying) external view returns (uint64) {
        Layout storage s = _layout();
        StoredSpot memory stored = s.spots[underlying];
        if (stored.spot8 == 0) return type(uint64).max;
        uint64 nowMs = ISlotContext(s.slotContext).timestampMs();
        return nowMs > stored.timestampMs ? nowMs - stored.timestampMs : 0;
    }

    /// @inheritdoc IMarkFeeds
    function expiries(uint16 underlying) external view returns (uint40[] memory) {
        return _layout().expiries[underlying];
    }

    /// @inheritdoc IMarkFeeds
    function hasExpiry(uint16 underlying, uint40 expiryS) external view returns (bool) {
        return _layout().marks[underlying][expiryS].forward8 != 0;
    }

    /// @inheritdoc IMarkFeeds
    function expiryMark(
        uint16 underlying,
        uint40 expiryS
    ) external view returns (ExpiryMark memory) {
        StoredMark memory stored = _layout().marks[underlying][expiryS];
        if (stored.forward8 == 0) revert UnknownExpiry(underlying, expiryS);
        return
            ExpiryMark({
                expiryS: expiryS,
                forward8: stored.forward8,
                rate6: stored.rate6,
                a9: stored.a9,
                b9: stored.b9,
                rho9: stored.rho9,
                m9: stored.m9,
                s9: stored.s9,
                tauS: stored.tauS,
                confidence4: stored.confidence4
            });
    }

    /// @inheritdoc IMarkFeeds
    function settlementPrice8(uint16 underlying, uint40 expiryS) external view returns (uint64) {
        Layout storage s = _layout();
        _checkClosed(s, underlying, expiryS);
        SettlementTally tally = s.tallies[underlying][expiryS];
        uint256 present = tally.present();
        if (present < SettlementWindow.NEEDED) {
            revert SettlementWaits(underlying, expiryS, present, SettlementWindow.NEEDED);
        }
        return tally.mean8Down();
    }

    /// @inheritdoc IMarkFeeds
    function settlementIntervals(
        uint16 underlying,
        uint40 expiryS
    ) external view returns (uint256) {
        return _layout().tallies[underlying][expiryS].present();
    }

    /// @inheritdoc IMarkFeeds
    function feedSigners() external view returns (address[] memory signers, uint8 threshold) {
        Layout storage s = _layout();
        return (s.signers, s.threshold);
    }

    function _checkOrder(Layout storage s, FeedUpdate calldata marks) private view {
        StoredSpot memory last = s.spots[marks.underlying];
        if (marks.sequence <= last.sequence) {
            revert StaleSequence(marks.underlying, marks.sequence, last.sequence);
        }
        if (marks.timestampMs < last.timestampMs) {
            revert TimestampBackwards(marks.underlying, marks.timestampMs, last.timestampMs);
        }
        uint64 latestMs = ISlotContext(s.slotContext).timestampMs() + s.toleranceMs;
        if (marks.timestampMs > latestMs) revert TimestampAhead(marks.timestampMs, latestMs);
    }

    /// @dev Stores each expiry that has not passed, counts the spot where its settlement window is open, and gives
    /// the expiries stored. A passed expiry is left out rather than refused: its last update may come late.
    function _takeExpiries(
        Layout storage s,
        FeedUpdate calldata marks
    ) private returns (uint40[] memory live) {
        uint16 underlying = marks.underlying;
        uint256 passed = 0;
        uint256 count = marks.expiries.length;
        while (
            passed < count && uint256(marks.expiries[passed].expiryS) * 1_000 <= marks.timestampMs
        ) {
            ++passed;
        }

        live = new uint40[](count - passed);
        for (uint256 i = 0; i < live.length; ++i) {
            ExpiryMark calldata mark = marks.expiries[passed + i];
            live[i] = mark.expiryS;
            s.marks[underlying][mark.expiryS] = StoredMark({
                forward8: mark.forward8,
                a9: mark.a9,
                b9: mark.b9,
                m9: mark.m9,
                rho9: mark.rho9,
                s9: mark.s9,
                tauS: mark.tauS,
                rate6: mark.rate6,
                confidence4: mark.confidence4
            });
            _count(s, underlying, mark.expiryS, marks.timestampMs, marks.spot8);
        }
    }

    function _count(
        Layout storage s,
        uint16 underlying,
        uint40 expiryS,
        uint64 timestampMs,
        uint64 spot8
    ) private {
        SettlementTally before = s.tallies[underlying][expiryS];
        SettlementTally counted = before.add(expiryS, timestampMs, spot8);
        if (SettlementTally.unwrap(counted) != SettlementTally.unwrap(before)) {
            s.tallies[underlying][expiryS] = counted;
        }
    }

    /// @dev Makes the list of expiries `live` and forgets the marks of expiries that left it. Both lists ascend.
    function _replaceExpiries(Layout storage s, uint16 underlying, uint40[] memory live) private {
        uint40[] memory known = s.expiries[underlying];
        uint256 j = 0;
        bool same = known.length == live.length;
        for (uint256 i = 0; i < known.length; ++i) {
            while (j < live.length && live[j] < known[i]) {
                ++j;
            }
            if (j < live.length && live[j] == known[i]) continue;
            delete s.marks[underlying][known[i]];
            same = false;
        }
        if (!same) s.expiries[underlying] = live;
    }

    function _checkClosed(Layout storage s, uint16 underlying, uint40 expiryS) private view {
        uint64 timestampMs = s.spots[underlying].timestampMs;
        if (timestampMs < uint256(expiryS) * 1_000) {
            revert NotExpired(underlying, expiryS, timestampMs);
        }
    }

    /// @dev Signatures in ascending order of their signers cannot name one signer twice.
    function _checkSignatures(
        Layout storage s,
        bytes32 structHash,
        bytes[] calldata signatures
    ) private view {
        address[] memory signers = s.signers;
        if (signatures.length < s.threshold || signatures.length > signers.length) {
            revert BadSignatureCount(signatures.length, s.threshold, signers.length);
        }
        bytes32 digest = NetworkDomain.digest(INetworkId(s.networkId).logId(), structHash);
        address previous = address(0);
        uint256 cursor = 0;
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            while (cursor < signers.length && signers[cursor] != signer) {
                ++cursor;
            }
            if (cursor == signers.length) revert UnknownSigner(i, signer);
            previous = signer;
        }
    }

    function _setSigners(
        Layout storage s,
        address[] calldata signers,
        uint8 threshold,
        uint32 toleranceMs
    ) private {
        bool good = signers.length <= SIGNERS_MAX && threshold > 0 && threshold <= signers.length;
        for (uint256 i = 0; good && i < signers.length; ++i) {
            good = signers[i] > (i == 0 ? address(0) : signers[i - 1]);
        }
        if (!good) revert BadSigners(signers.length, threshold);
        s.signers = signers;
        s.threshold = threshold;
        s.toleranceMs = toleranceMs;
        emit SignersReplaced(signers, threshold, toleranceMs);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly ("memory-safe") {
            s.slot := LAYOUT_SLOT
        }
    }
}
