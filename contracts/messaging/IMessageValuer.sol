// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Says what the recipient of a message could lose if nobody had sent it.
interface IMessageValuer {
    /// @notice Value of a message, × 10^18, rounded up; zero when it can do no harm. Reverts on a body that the
    /// recipient would not take.
    /// @return token What the value is counted in: a token of this chain, or zero for USD on the pool's books.
    function valueOf(
        uint32 origin,
        bytes calldata body
    ) external view returns (address token, uint256 value18);
}
