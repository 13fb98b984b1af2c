// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {SignedDelivery} from "../l1/IReceiptSlasher.sol";
import {ISlotContext} from "../sequencing/ISlotContext.sol";

/// @title What the system key signs when it delivers a message: a transaction of type 2 (EIP-1559) without coin and
/// without an access list.
library DeliveryHash {
    using RLP for RLP.Encoder;

    /// @dev Bytes of a Hyperlane message before its body.
    uint256 private constant HEADER_BYTES = 77;

    error MessageTooShort(uint256 bytesGiven, uint256 headerBytes);

    /// @dev The digest that the transaction's signature is over.
    function digest(SignedDelivery calldata d) internal pure returns (bytes32) {
        bytes memory input = abi.encodeCall(ISlotContext.deliver, (d.mailbox, d.message));
        RLP.Encoder memory fields = RLP.encoder();
        fields = fields.push(uint256(d.chainId)).push(uint256(d.nonce));
        fields = fields.push(d.maxPriorityFeePerGas).push(d.maxFeePerGas).push(uint256(d.gas));
        fields = fields.push(d.slotContext).push(uint256(0)).push(input).push(RLP.encoder());
        return keccak256(abi.encodePacked(bytes1(0x02), fields.encode()));
    }

    /// @dev Nonce and origin of a message.
    function placeOf(bytes calldata message) internal pure returns (uint32 nonce, uint32 origin) {
        if (message.length < HEADER_BYTES) revert MessageTooShort(message.length, HEADER_BYTES);
        nonce = uint32(bytes4(message[1:5]));
        origin = uint32(bytes4(message[5:9]));
    }
}
