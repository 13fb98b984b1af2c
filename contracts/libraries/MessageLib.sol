// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageClass, MessageType} from "../types/Messages.sol";
import {IMessageEndpoint} from "../messaging/IMessageEndpoint.sol";

/// @notice Header of a message between Tandem's contracts.
struct MessageHeader {
    MessageType messageType;
    MessageClass class;
    uint64 nonce;
    bytes8 logId;
}

/// @title Wire format: version u8 ‖ type u8 ‖ class u8 ‖ nonce u64 ‖ logId bytes8 ‖ body.
library MessageLib {
    uint8 internal constant VERSION = 1;
    uint256 internal constant HEADER_BYTES = 19;
    /// @dev Most bytes of a message, header included; `messageBytes` of the SDK's limits.
    uint256 internal constant BYTES_MAX = 16 * 1024;

    uint256 private constant TYPE_OFFSET = 1;
    uint256 private constant CLASS_OFFSET = 2;
    uint256 private constant NONCE_OFFSET = 3;
    uint256 private constant LOG_OFFSET = 11;

    function encode(
        MessageHeader memory header,
        bytes memory body
    ) internal pure returns (bytes memory) {
        uint256 length = HEADER_BYTES + body.length;
        if (length > BYTES_MAX) revert IMessageEndpoint.MessageTooLong(length, BYTES_MAX);
        return
            abi.encodePacked(
                VERSION,
                uint8(header.messageType),
                uint8(header.class),
                header.nonce,
                header.logId,
                body
            );
    }

    /// @dev Reverts on another version, an unknown type, and a class that is not the type's.
    function decode(
        bytes calldata message,
        uint32 origin
    ) internal pure returns (MessageHeader memory header, bytes calldata body) {
        if (message.length < HEADER_BYTES) {
            revert IMessageEndpoint.MessageTooShort(message.length, HEADER_BYTES);
        }
        uint8 version = uint8(message[0]);
        if (version != VERSION) revert IMessageEndpoint.UnknownVersion(version, VERSION);

        uint8 rawType = uint8(message[TYPE_OFFSET]);
        if (rawType == 0 || rawType > uint8(type(MessageType).max)) {
            revert IMessageEndpoint.UnexpectedType(rawType, origin);
        }
        header.messageType = MessageType(rawType);
        header.class = classOf(header.messageType);
        uint8 rawClass = uint8(message[CLASS_OFFSET]);
        if (rawClass != uint8(header.class)) {
            revert IMessageEndpoint.WrongClass(rawType, rawClass, uint8(header.class));
        }
        header.nonce = uint64(bytes8(message[NONCE_OFFSET:LOG_OFFSET]));
        header.logId = bytes8(message[LOG_OFFSET:HEADER_BYTES]);
        body = message[HEADER_BYTES:];
    }

    /// @dev The class in which messages of a type travel.
    function classOf(MessageType messageType) internal pure returns (MessageClass) {
        if (messageType == MessageType.Reassign) return MessageClass.Liquidation;
        if (messageType == MessageType.Recall) return MessageClass.MarginCall;
        if (messageType == MessageType.Payment) return MessageClass.Withdrawal;
        if (messageType == MessageType.Deposit || messageType == MessageType.LiquidityDeposit) {
            return MessageClass.Transfer;
        }
        return MessageClass.Credit;
    }
}
