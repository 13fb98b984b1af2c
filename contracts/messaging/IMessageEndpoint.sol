// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClass, MessageType} from "../types/Messages.sol";
import {ISpecifiesInterchainSecurityModule} from "./IInterchainSecurityModule.sol";
import {IMessageRecipient} from "./IMailbox.sol";

/// @title One of Tandem's contracts that speak to their peers on other chains.
/// @dev Invariant V7: each (origin, class, nonce) changes state at most once, in any order of arrival.
interface IMessageEndpoint is IMessageRecipient, ISpecifiesInterchainSecurityModule {
    /// @notice A contract on another chain that this one speaks with.
    struct Peer {
        uint32 chainId;
        /// Address as Hyperlane writes it, 20 bytes at the right.
        bytes32 router;
    }

    /// @notice What every endpoint is initialised with.
    struct EndpointConfig {
        /// May replace peers, the module, the guardian; meant to be a timelock.
        address governance;
        /// May only tighten: lower caps.
        address guardian;
        address mailbox;
        /// Contract that holds the network's identity on this chain.
        address networkId;
        /// Security module of incoming messages; zero means the Mailbox's default.
        address ism;
        Peer[] peers;
    }

    /// @notice A function of a role was called by someone else.
    error Unauthorised(address caller, address expected);
    /// @notice No peer is known on that chain.
    error UnknownPeer(uint32 chainId);
    /// @notice A message came from a contract that is not the peer on its origin.
    error WrongSender(uint32 origin, bytes32 sender, bytes32 expected);
    /// @notice The message's format is of another version.
    error UnknownVersion(uint8 given, uint8 known);
    /// @notice The message belongs to another network or an earlier run of this one.
    error WrongLog(bytes8 given, bytes8 expected);
    /// @notice The message is shorter than its header.
    error MessageTooShort(uint256 bytesGiven, uint256 headerBytes);
    /// @notice Messages of this type are not received here, or not from this chain.
    error UnexpectedType(uint8 messageType, uint32 origin);
    /// @notice The class does not belong to the type.
    error WrongClass(uint8 messageType, uint8 given, uint8 expected);
    /// @notice This message changed the state before (V7).
    error AlreadyApplied(uint32 origin, MessageClass class, uint64 nonce);
    /// @notice The message has more bytes than the limit.
    error MessageTooLong(uint256 bytesGiven, uint256 limit);
    /// @notice The contract and the caller together hold less than the message's fee, in wei.
    error MessageFeeUnpaid(uint256 feeWei, uint256 availableWei);

    /// @notice A message left; nonces count per (destination, class) from 0.
    event MessageSent(
        bytes32 indexed messageId,
        uint32 indexed destination,
        MessageType indexed messageType,
        MessageClass class,
        uint64 nonce
    );
    /// @notice A message changed the state.
    event MessageApplied(
        uint32 indexed origin,
        MessageType indexed messageType,
        MessageClass class,
        uint64 nonce
    );
    event PeerSet(uint32 indexed chainId, bytes32 router);
    event IsmSet(address ism);
    event RolesSet(address governance, address guardian);

    function mailbox() external view returns (address);
    function governance() external view returns (address);
    function guardian() external view returns (address);

    /// @notice The contract on a chain that this one speaks with; zero when there is none.
    function peer(uint32 chainId) external view returns (bytes32 router);

    /// @notice Messages of a class sent to a chain so far.
    function sentCount(uint32 destination, MessageClass class) external view returns (uint64);

    /// @notice Says whether a message was applied.
    function isApplied(
        uint32 origin,
        MessageClass class,
        uint64 nonce
    ) external view returns (bool);

    /// @notice Sets or removes (zero) the peer on a chain; governance only.
    function setPeer(uint32 chainId, bytes32 router) external;

    /// @notice Replaces the security module; governance only.
    function setIsm(address ism) external;

    /// @notice Replaces governance and guardian; governance only.
    function setRoles(address newGovernance, address newGuardian) external;
}
