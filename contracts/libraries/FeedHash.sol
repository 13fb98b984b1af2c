// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ExpiryMark, FeedUpdate, SettlementFix} from "../marks/IMarkFeeds.sol";

/// @title EIP-712 hashes of what feeds sign; field names and order are those of `sdk/protocol/feeds.ts`.
library FeedHash {
    bytes32 internal constant EXPIRY_MARK_TYPEHASH = keccak256(
        "ExpiryMark(uint40 expiryS,uint64 forward8,int32 rate6,int64 a9,uint64 b9,int64 rho9,int64 m9,uint64 s9,uint32 tauS,uint16 confidence4)"
    );
    bytes32 internal constant FEED_UPDATE_TYPEHASH = keccak256(
        "FeedUpdate(uint16 underlying,uint64 sequence,uint64 timestampMs,uint64 spot8,uint16 spotConfidence4,uint64 stable8,ExpiryMark[] expiries)ExpiryMark(uint40 expiryS,uint64 forward8,int32 rate6,int64 a9,uint64 b9,int64 rho9,int64 m9,uint64 s9,uint32 tauS,uint16 confidence4)"
    );
    bytes32 internal constant SETTLEMENT_FIX_TYPEHASH = keccak256(
        "SettlementFix(uint16 underlying,uint40 expiryS,uint64 price8)"
    );

    /// @dev Hash of one expiry's mark.
    function hashExpiry(ExpiryMark calldata mark) internal pure returns (bytes32) {
        // The struct's members stand one per word in calldata, in the order of the type.
        return keccak256(abi.encode(EXPIRY_MARK_TYPEHASH, mark));
    }

    /// @dev Hash of a whole update.
    function hashUpdate(FeedUpdate calldata marks) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](marks.expiries.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = hashExpiry(marks.expiries[i]);
        }
        return
            keccak256(
                abi.encode(
                    FEED_UPDATE_TYPEHASH,
                    marks.underlying,
                    marks.sequence,
                    marks.timestampMs,
                    marks.spot8,
                    marks.spotConfidence4,
                    marks.stable8,
                    keccak256(abi.encodePacked(hashes))
                )
            );
    }

    /// @dev Hash of a fixed settlement price.
    function hashFix(SettlementFix calldata settlement) internal pure returns (bytes32) {
        return keccak256(abi.encode(SETTLEMENT_FIX_TYPEHASH, settlement));
    }
}
