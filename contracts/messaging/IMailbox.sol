// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInterchainSecurityModule} from "./IInterchainSecurityModule.sol";

/// @title Hyperlane's Mailbox, the part that Tandem uses.
interface IMailbox {
    event Dispatch(
        address indexed sender,
        uint32 indexed destination,
        bytes32 indexed recipient,
        bytes message
    );
    event DispatchId(bytes32 indexed messageId);
    event Process(uint32 indexed origin, bytes32 indexed sender, address indexed recipient);
    event ProcessId(bytes32 indexed messageId);

    /// @notice Domain of this chain; equals the chain id in Tandem.
    function localDomain() external view returns (uint32);

    /// @notice Messages dispatched here so far.
    function nonce() external view returns (uint32);

    /// @notice Id of the message dispatched last.
    function latestDispatchedId() external view returns (bytes32);

    /// @notice Says whether a message was processed here.
    function delivered(bytes32 messageId) external view returns (bool);

    /// @notice Who handed a processed message over; zero before.
    function processor(bytes32 messageId) external view returns (address);

    /// @notice Module of recipients that name none.
    function defaultIsm() external view returns (IInterchainSecurityModule);

    /// @notice Module that a recipient's messages need.
    function recipientIsm(address recipient) external view returns (IInterchainSecurityModule);

    /// @notice Fee of a dispatch in wei.
    function quoteDispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body
    ) external view returns (uint256 feeWei);

    /// @notice Sends a message.
    function dispatch(
        uint32 destination,
        bytes32 recipient,
        bytes calldata body
    ) external payable returns (bytes32 messageId);

    /// @notice Delivers a message: verifies it with the recipient's module, then calls the recipient.
    function process(bytes calldata metadata, bytes calldata message) external payable;
}

/// @title Hyperlane: a contract that receives messages.
interface IMessageRecipient {
    /// @notice Takes a message; the Mailbox alone calls this.
    function handle(uint32 origin, bytes32 sender, bytes calldata body) external payable;
}
