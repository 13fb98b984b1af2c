// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMailbox} from "./IMailbox.sol";

/// @title Delivers many messages in one transaction; one that fails harms no other.
/// @dev Holds nothing and trusts nobody: whoever calls it could call the Mailbox itself. A module that
/// asks who delivered a message sees this contract, so relayers deliver such messages one by one.
contract DeliveryBatch {
    /// @notice One delivery: the most gas it may use, and what the Mailbox takes.
    struct Delivery {
        uint256 gasLimit;
        bytes metadata;
        bytes message;
    }

    /// @notice How a delivery ended, the gas it used, and the first bytes of why it failed.
    struct Outcome {
        bool delivered;
        uint256 gasUsed;
        bytes reason;
    }

    /// @dev Bytes of revert data that are repeated: a handler that returns a megabyte costs no other.
    uint256 private constant REASON_BYTES_MAX = 256;

    /// @notice Delivers each message in order, by itself.
    /// @return outcomes One per delivery; read by simulation, since a transaction returns nothing.
    function deliver(
        IMailbox mailbox,
        Delivery[] calldata deliveries
    ) external returns (Outcome[] memory outcomes) {
        outcomes = new Outcome[](deliveries.length);
        for (uint256 i = 0; i < deliveries.length; ++i) {
            Delivery calldata one = deliveries[i];
            bytes memory data = abi.encodeCall(IMailbox.process, (one.metadata, one.message));
            outcomes[i] = _attempt(address(mailbox), one.gasLimit, data);
        }
    }

    function _attempt(
        address target,
        uint256 gasLimit,
        bytes memory data
    ) private returns (Outcome memory outcome) {
        bool delivered;
        bytes memory reason = new bytes(REASON_BYTES_MAX);
        uint256 gasBefore = gasleft();
        // A high-level call would copy everything that the handler returns.
        assembly ("memory-safe") {
            delivered := call(gasLimit, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
        outcome.gasUsed = gasBefore - gasleft();
        outcome.delivered = delivered;
        if (!delivered) {
            assembly ("memory-safe") {
                let size := returndatasize()
                if gt(size, REASON_BYTES_MAX) {
                    size := REASON_BYTES_MAX
                }
                returndatacopy(add(reason, 0x20), 0, size)
                mstore(reason, size)
            }
            outcome.reason = reason;
        }
    }
}
