// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Order} from "../protocols/IOptionsExchange.sol";

/// @title EIP-712 hashes of orders; names and domain are those of `sdk/protocol/orders.ts`.
library OrderHash {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME = keccak256("Tandem OptionsExchange");
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 account,uint256 riskKey,int256 size18,uint256 price18,uint64 nonce,uint40 expiryS,bytes32 taker)"
    );

    /// @dev The digest that an order's owner signs for one exchange on one chain; it also identifies the order.
    function digest(
        Order calldata order,
        uint256 chainId,
        address exchange
    ) internal pure returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME, chainId, exchange));
        // The members of an order stand one per word, in the order of the type.
        bytes32 structHash = keccak256(abi.encode(ORDER_TYPEHASH, order));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
