// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @notice What Hyperlane's validators sign about the tree of messages that a chain sent: which message
/// stands at an index. The index is the message's nonce.
struct Checkpoint {
    bytes32 merkleTreeHook;
    bytes32 root;
    uint32 index;
    bytes32 messageId;
    /// 65 bytes each, in the order of the set.
    bytes signatures;
}

/// @title Who signed a checkpoint.
library CheckpointHash {
    uint256 private constant SIGNATURE_BYTES = 65;

    /// @dev Says whether at least `threshold` of the validators, in the set's order, signed a checkpoint.
    function isSigned(
        Checkpoint calldata c,
        uint32 origin,
        address[] memory validators,
        uint8 threshold
    ) internal pure returns (bool) {
        if (threshold == 0 || c.signatures.length < threshold * SIGNATURE_BYTES) return false;
        bytes32 signedHash = digest(c, origin);
        uint256 next = 0;
        for (uint256 i = 0; i < threshold; ++i) {
            uint256 at = i * SIGNATURE_BYTES;
            bytes calldata signature = c.signatures[at:at + SIGNATURE_BYTES];
            (address signer, ECDSA.RecoverError fault, ) = ECDSA.tryRecoverCalldata(
                signedHash,
                signature
            );
            if (fault != ECDSA.RecoverError.NoError) return false;
            while (next < validators.length && validators[next] != signer) {
                ++next;
            }
            if (next == validators.length) return false;
            ++next;
        }
        return true;
    }

    /// @dev The digest that a validator of `origin` signs.
    function digest(Checkpoint calldata c, uint32 origin) internal pure returns (bytes32) {
        bytes32 domain = keccak256(abi.encodePacked(origin, c.merkleTreeHook, "HYPERLANE"));
        bytes32 content = keccak256(abi.encodePacked(domain, c.root, c.index, c.messageId));
        return MessageHashUtils.toEthSignedMessageHash(content);
    }
}
