// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ExpiryMark, FeedUpdate, IMarkFeeds} from "../marks/IMarkFeeds.sol";

/// @title What an update must satisfy apart from its signatures, sequence and time.
library FeedRules {
    uint256 internal constant EXPIRIES_MAX = 30;
    uint16 internal constant CONFIDENCE4_FULL = 10_000;
    uint64 internal constant TIMESTAMP_MS_MAX = type(uint48).max;
    int32 internal constant RATE6_MAX = 10e6;
    int64 internal constant SVI9_MAX = 1_000e9;
    int64 internal constant RHO9_END = 1e9;

    /// @dev Reverts with the first rule that `marks` breaks.
    function check(FeedUpdate calldata marks) internal pure {
        if (marks.underlying == 0) revert IMarkFeeds.OutOfRange("underlying", 0, 0);
        if (marks.spot8 == 0) revert IMarkFeeds.OutOfRange("spot8", 0, 0);
        if (marks.stable8 == 0) revert IMarkFeeds.OutOfRange("stable8", 0, 0);
        if (marks.timestampMs > TIMESTAMP_MS_MAX) {
            revert IMarkFeeds.OutOfRange("timestampMs", 0, int256(uint256(marks.timestampMs)));
        }
        _confidence("spotConfidence4", 0, marks.spotConfidence4);

        uint256 count = marks.expiries.length;
        if (count > EXPIRIES_MAX) revert IMarkFeeds.TooManyExpiries(count, EXPIRIES_MAX);
        uint40 previousS = 0;
        for (uint256 i = 0; i < count; ++i) {
            ExpiryMark calldata mark = marks.expiries[i];
            if (mark.expiryS <= previousS) {
                revert IMarkFeeds.ExpiriesNotAscending(previousS, mark.expiryS);
            }
            previousS = mark.expiryS;
            _checkExpiry(mark);
        }
    }

    function _checkExpiry(ExpiryMark calldata mark) private pure {
        uint40 expiryS = mark.expiryS;
        if (mark.forward8 == 0) revert IMarkFeeds.OutOfRange("forward8", expiryS, 0);
        if (mark.tauS == 0) revert IMarkFeeds.OutOfRange("tauS", expiryS, 0);
        if (mark.s9 == 0) revert IMarkFeeds.OutOfRange("s9", expiryS, 0);
        _within("rate6", expiryS, mark.rate6, RATE6_MAX);
        _within("a9", expiryS, mark.a9, SVI9_MAX);
        _within("b9", expiryS, int256(uint256(mark.b9)), SVI9_MAX);
        _within("rho9", expiryS, mark.rho9, RHO9_END - 1);
        _within("m9", expiryS, mark.m9, SVI9_MAX);
        _within("s9", expiryS, int256(uint256(mark.s9)), SVI9_MAX);
        _confidence("confidence4", expiryS, mark.confidence4);
    }

    function _within(bytes32 field, uint40 expiryS, int256 value, int256 limit) private pure {
        if (value < -limit || value > limit) revert IMarkFeeds.OutOfRange(field, expiryS, value);
    }

    function _confidence(bytes32 field, uint40 expiryS, uint16 value) private pure {
        if (value > CONFIDENCE4_FULL) {
            revert IMarkFeeds.OutOfRange(field, expiryS, int256(uint256(value)));
        }
    }
}
