// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MarginAttestation} from "../types/Margin.sol";

/// @title Decides whether somebody's word about a portfolio's margin is good, and what collateral is worth.
interface IMarginVerifier {
    /// @notice What an attestation must satisfy.
    struct Rules {
        /// Signs margin attestations.
        address riskSigner;
        /// Lowest version of the risk parameters that is accepted.
        uint32 paramsVersion;
        /// Feed updates that an attestation may lag behind this chain.
        uint64 maxMarksLag;
        /// Milliseconds after which a price backs no credit.
        uint64 maxMarkAgeMs;
    }

    struct Config {
        address governance;
        /// Contract that holds the network's identity on this chain.
        address networkId;
        address slotContext;
        address marks;
        address ledger;
        Rules rules;
    }

    error Unauthorised(address caller, address expected);
    error WrongAccount(bytes32 given, bytes32 expected);
    /// @notice The attestation is about another portfolio than the one on the books.
    error PortfolioChanged(bytes32 given, bytes32 actual);
    error AttestationExpired(uint64 validUntilSlot, uint64 slot);
    error AttestationStale(uint64 marksSeq, uint64 oldestAccepted);
    error ParametersStale(uint32 given, uint32 required);
    error BadRiskSignature(address signer, address expected);

    event RulesSet(Rules rules);

    /// @notice Reverts unless the attestation is in time, signed, and about this portfolio of this account.
    /// @param positionsHash Hash of the portfolio on the books.
    function requireAttested(
        bytes32 account,
        bytes32 positionsHash,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external view;

    /// @notice Value of an account's claims after haircuts and caps, USD × 10^18, rounded down; stale prices count
    /// as zero, a debt in the numéraire counts in full.
    function haircutCollateral(bytes32 account) external view returns (uint256);

    /// @notice Replaces the rules; governance only.
    function setRules(Rules calldata newRules) external;

    function governance() external view returns (address);
    function slotContext() external view returns (address);
    function marks() external view returns (address);
    function ledger() external view returns (address);
    function rules() external view returns (Rules memory);
}
