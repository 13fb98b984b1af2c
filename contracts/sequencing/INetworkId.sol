// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The identity of the network that a chain belongs to.
interface INetworkId {
    /// @notice Value that binds every signed object to this network: keccak256 over the genesis of
    /// all its chains, its configuration and a random salt. Nothing signed for another network, or
    /// for an earlier run of this one, is valid here.
    /// @return logId The identity; never zero once the network has started.
    function logId() external view returns (bytes32 logId);
}
