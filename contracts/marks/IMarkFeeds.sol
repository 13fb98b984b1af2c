// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Forward, rate and raw-SVI surface of one expiry: w(k) = a + b(ρ(k − m) + √((k − m)² + s²)).
struct ExpiryMark {
    /// Expiry in seconds since 1970.
    uint40 expiryS;
    /// Forward in USD × 10^8, positive.
    uint64 forward8;
    /// Rate per year × 10^6, within ±10 (1,000 %).
    int32 rate6;
    /// SVI a × 10^9, within ±1,000.
    int64 a9;
    /// SVI b × 10^9, at most 1,000.
    uint64 b9;
    /// SVI ρ × 10^9, strictly within ±1.
    int64 rho9;
    /// SVI m × 10^9, within ±1,000.
    int64 m9;
    /// SVI s × 10^9, positive, at most 1,000.
    uint64 s9;
    /// The surface's own time in seconds, positive.
    uint32 tauS;
    /// Confidence × 10^4, at most 10,000.
    uint16 confidence4;
}

/// @notice Marks of one underlying at one moment: what m of n feed keys sign.
struct FeedUpdate {
    uint16 underlying;
    /// Strictly increasing per underlying.
    uint64 sequence;
    /// Milliseconds since 1970, never decreasing per underlying.
    uint64 timestampMs;
    /// Spot price in USD × 10^8, positive.
    uint64 spot8;
    /// Confidence of the spot × 10^4, at most 10,000.
    uint16 spotConfidence4;
    /// Price of the numéraire in USD × 10^8, positive.
    uint64 stable8;
    /// By expiry, strictly ascending, at most 30.
    ExpiryMark[] expiries;
}

/// @notice The last accepted spot of an underlying.
struct SpotMark {
    /// USD × 10^8; 0 when nothing was accepted yet.
    uint64 spot8;
    /// Price of the numéraire in USD × 10^8.
    uint64 stable8;
    uint64 sequence;
    /// Milliseconds since 1970, as signed by the feeds.
    uint64 timestampMs;
    /// Confidence × 10^4.
    uint16 confidence4;
}

/// @notice A settlement price that the window could not give: feeds sign it and the guardian submits it.
struct SettlementFix {
    uint16 underlying;
    uint40 expiryS;
    /// USD × 10^8, positive.
    uint64 price8;
}

/// @title Signed marks of every underlying, and the settlement price of every expiry.
interface IMarkFeeds {
    /// @notice Roles and rules given once, at initialisation.
    struct Config {
        address slotContext;
        /// Names the network that signatures are bound to.
        address networkId;
        /// May replace the feed signers and the tolerance.
        address governance;
        /// May submit a {SettlementFix}.
        address guardian;
        /// Feed keys in ascending order, at most 16.
        address[] signers;
        /// Signatures that an update needs, at least 1.
        uint8 threshold;
        /// How far ahead of the slot's time an update may be, in milliseconds.
        uint32 toleranceMs;
    }

    /// @notice A caller without the role called.
    error Unauthorised(address caller, address expected);
    /// @notice The set of signers breaks a rule: none, more than 16, not ascending, or threshold out of range.
    error BadSigners(uint256 count, uint256 threshold);
    /// @notice Fewer signatures than the threshold, or more than signers.
    error BadSignatureCount(uint256 count, uint256 threshold, uint256 signers);
    /// @notice The signature at `index` is by `signer`, who is no feed.
    error UnknownSigner(uint256 index, address signer);
    /// @notice Signatures stand in ascending order of their signers; `signer` does not follow `previous`.
    error SignersNotAscending(address previous, address signer);
    /// @notice Sequences only grow.
    error StaleSequence(uint16 underlying, uint64 sequence, uint64 current);
    /// @notice The feeds' time never goes back.
    error TimestampBackwards(uint16 underlying, uint64 timestampMs, uint64 current);
    /// @notice The update is from further ahead than tolerated.
    error TimestampAhead(uint64 timestampMs, uint64 latestAllowedMs);
    /// @notice More expiries than the limit.
    error TooManyExpiries(uint256 count, uint256 limit);
    /// @notice Expiries ascend strictly; `expiryS` does not follow `previousS`.
    error ExpiriesNotAscending(uint40 previousS, uint40 expiryS);
    /// @notice A field is out of its range; `expiryS` is 0 for fields of the update itself.
    error OutOfRange(bytes32 field, uint40 expiryS, int256 value);
    /// @notice No mark of this underlying and expiry is known.
    error UnknownExpiry(uint16 underlying, uint40 expiryS);
    /// @notice The feeds' time has not reached the expiry.
    error NotExpired(uint16 underlying, uint40 expiryS, uint64 timestampMs);
    /// @notice Fewer intervals of the window carry a mark than settlement needs.
    error SettlementWaits(uint16 underlying, uint40 expiryS, uint256 present, uint256 needed);
    /// @notice The window gave a price, or the price was fixed before: there is nothing to fix.
    error AlreadySettled(uint16 underlying, uint40 expiryS, uint64 price8);

    /// @notice An update was accepted as number `marksSeq` of this chain.
    event MarksUpdated(
        uint16 indexed underlying,
        uint64 indexed marksSeq,
        uint64 sequence,
        uint64 timestampMs,
        uint64 spot8,
        uint256 expiries
    );
    /// @notice Guardian and feeds fixed a settlement price that the window could not give.
    event SettlementFixed(uint16 indexed underlying, uint40 indexed expiryS, uint64 price8);
    /// @notice Governance replaced the feed signers.
    event SignersReplaced(address[] signers, uint8 threshold, uint32 toleranceMs);

    /// @notice Takes the marks of one underlying; anybody may bring them.
    /// @param signatures 65 bytes each, at least the threshold, in ascending order of the signers.
    function update(FeedUpdate calldata marks, bytes[] calldata signatures) external;

    /// @notice Fixes the settlement price of an expiry whose window has too few marks; guardian only.
    /// @param signatures By feeds, as for {update}.
    function fixSettlement(SettlementFix calldata settlement, bytes[] calldata signatures) external;

    /// @notice Replaces the feed signers; governance only.
    function setSigners(address[] calldata signers, uint8 threshold, uint32 toleranceMs) external;

    /// @notice Updates accepted so far, of all underlyings: every chain sees the same ones in the same order.
    function marksSeq() external view returns (uint64);

    /// @notice The last accepted spot; all zero before the first.
    function spot(uint16 underlying) external view returns (SpotMark memory);

    /// @notice Milliseconds between the slot's time and the last update; the largest uint64 before the first.
    function ageMs(uint16 underlying) external view returns (uint64);

    /// @notice Expiries in the last update that had not passed then, ascending.
    function expiries(uint16 underlying) external view returns (uint40[] memory);

    /// @notice Says whether the last update carries this expiry.
    function hasExpiry(uint16 underlying, uint40 expiryS) external view returns (bool);

    /// @notice The last mark of one expiry. Reverts with {UnknownExpiry}.
    function expiryMark(
        uint16 underlying,
        uint40 expiryS
    ) external view returns (ExpiryMark memory);

    /// @notice Mean spot over the last 1,800 s before an expiry, USD × 10^8, rounded down.
    /// @dev A function of the accepted updates alone, so it is the same on every chain, and it never changes once given.
    /// Reverts with {NotExpired} or {SettlementWaits}.
    function settlementPrice8(uint16 underlying, uint40 expiryS) external view returns (uint64);

    /// @notice How many of the window's 180 intervals carry a mark so far.
    function settlementIntervals(uint16 underlying, uint40 expiryS) external view returns (uint256);

    /// @notice Feed signers in ascending order, and how many must sign.
    function feedSigners() external view returns (address[] memory signers, uint8 threshold);
}
