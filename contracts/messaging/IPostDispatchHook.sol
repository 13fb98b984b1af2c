// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Hyperlane: does something when a message is dispatched.
interface IPostDispatchHook {
    /// @notice Tells Hyperlane's tools what the hook's settings are; 8 is a fee.
    function hookType() external view returns (uint8);

    /// @notice Says whether it can read this metadata.
    function supportsMetadata(bytes calldata metadata) external view returns (bool);

    /// @notice Called after a message was dispatched, with what was paid for it.
    function postDispatch(bytes calldata metadata, bytes calldata message) external payable;

    /// @notice What it asks for a message, in wei.
    function quoteDispatch(
        bytes calldata metadata,
        bytes calldata message
    ) external view returns (uint256 feeWei);
}
