// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Change, SignedInstrumentRisk} from "../types/Margin.sol";

/// @title What a protocol needs of the pool on its own rollup.
interface ICollateralPool {
    /// @notice Changes portfolios all or none; registered protocols only.
    /// @param changes At most 64; each instrument belongs to the calling protocol; cash sums to zero (V16).
    /// A change with `jointSalt` is margined by the bundle's leg on the hub, so its account's owner must be
    /// the transaction's sender. Every other change uses leased capacity.
    /// @param risks Signed risk of each instrument that an autonomous change touches; none for joint changes,
    /// for cash alone, and for options that close after expiry. Coin beyond the message's fee stays here to pay for later ones.
    function applyChanges(
        Change[] calldata changes,
        SignedInstrumentRisk[] calldata risks
    ) external payable;

    /// @notice Capacity leased to an account here, USD × 10^18.
    function leased(bytes32 account) external view returns (uint256);

    /// @notice The used part of it, USD × 10^18.
    function used(bytes32 account) external view returns (uint256);

    /// @notice Second after which capacity serves to reduce only.
    function leaseExpiryS(bytes32 account) external view returns (uint40);

    /// @notice Size of an account's position, contracts × 10^18, signed.
    function position(bytes32 account, uint256 instrument) external view returns (int256);
}

/// @title What the pool asks of a protocol.
interface ICrossMarginProtocol {
    /// @notice Moves contracts between accounts after a liquidation on the hub; the pool alone calls this.
    /// @dev Sizes are differences: `from` falls by `size18`, `to` grows by it, whatever either held. The account
    /// may have traded, or the series may have settled, since the hub decided; then signs may flip, and a later
    /// settlement of both accounts evens that out. Must not revert for a series of the protocol.
    /// @param size18 Contracts × 10^18, signed.
    function reassign(bytes32 from, bytes32 to, uint256 instrument, int256 size18) external;
}
