// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BundleIntent, IntentCall} from "../types/Intents.sol";

/// @title EIP-712 hash of an intent, as `sdk/protocol/intent.ts` has it.
library IntentHash {
    bytes32 private constant CALL_TYPEHASH = keccak256(
        "IntentCall(uint64 chainId,address target,uint64 gas,bytes data)"
    );
    bytes32 private constant INTENT_TYPEHASH = keccak256(
        "BundleIntent(address owner,uint256 nonce,uint64 deadlineS,IntentCall[] calls)IntentCall(uint64 chainId,address target,uint64 gas,bytes data)"
    );

    /// @dev The struct's hash; the digest that is signed is that under the network's domain.
    function hash(BundleIntent calldata intent) internal pure returns (bytes32) {
        bytes32[] memory calls = new bytes32[](intent.calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            IntentCall calldata c = intent.calls[i];
            calls[i] = keccak256(
                abi.encode(CALL_TYPEHASH, c.chainId, c.target, c.gas, keccak256(c.data))
            );
        }
        return
            keccak256(
                abi.encode(
                    INTENT_TYPEHASH,
                    intent.owner,
                    intent.nonce,
                    intent.deadlineS,
                    keccak256(abi.encodePacked(calls))
                )
            );
    }
}
