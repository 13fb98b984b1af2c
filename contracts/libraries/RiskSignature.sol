// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {InstrumentRisk, MarginAttestation} from "../types/Margin.sol";
import {NetworkDomain} from "./NetworkDomain.sol";

/// @title EIP-712 hashes of what the risk signer says, as `sdk/protocol/margin.ts` has them.
library RiskSignature {
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "MarginAttestation(bytes32 account,bytes32 positionsHash,uint64 marksSeq,uint32 paramsVersion,int256 initial18,int256 maintenance18,int256 markToMarket18,int256 equity18,uint8 worstScenario,uint64 validUntilSlot)"
    );
    bytes32 private constant RISK_TYPEHASH = keccak256(
        "InstrumentRisk(uint256 instrument,uint64 marksSeq,uint256 mark18,uint256 longRequirement18,uint256 shortRequirement18,uint64 validUntilSlot)"
    );

    /// @dev Who signed an attestation. Reverts on a malformed signature.
    function signerOf(
        MarginAttestation calldata attestation,
        bytes32 logId,
        bytes calldata signature
    ) internal pure returns (address) {
        bytes32 structHash = keccak256(abi.encode(ATTESTATION_TYPEHASH, attestation));
        return ECDSA.recover(NetworkDomain.digest(logId, structHash), signature);
    }

    /// @dev Who signed an instrument's risk. Reverts on a malformed signature.
    function signerOf(
        InstrumentRisk calldata risk,
        bytes32 logId,
        bytes calldata signature
    ) internal pure returns (address) {
        bytes32 structHash = keccak256(abi.encode(RISK_TYPEHASH, risk));
        return ECDSA.recover(NetworkDomain.digest(logId, structHash), signature);
    }
}
