// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Hyperlane: decides whether a message may be delivered.
interface IInterchainSecurityModule {
    /// @notice Tells relayers how metadata is built; 1 is routing, 5 is message-id multisig.
    function moduleType() external view returns (uint8);

    /// @notice Says whether `metadata` proves `message`.
    function verify(bytes calldata metadata, bytes calldata message) external returns (bool);
}

/// @title Hyperlane: a contract that names the module its messages need.
interface ISpecifiesInterchainSecurityModule {
    /// @notice The module; zero means the Mailbox's default.
    function interchainSecurityModule() external view returns (IInterchainSecurityModule);
}

/// @title Hyperlane: m of n validators sign the message's checkpoint.
interface IMultisigIsm is IInterchainSecurityModule {
    /// @notice Validators of the message's origin, and how many must sign.
    function validatorsAndThreshold(
        bytes calldata message
    ) external view returns (address[] memory validators, uint8 threshold);
}
