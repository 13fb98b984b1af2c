// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageEndpoint} from "../messaging/IMessageEndpoint.sol";
import {MarginAttestation} from "../types/Margin.sol";

/// @title Turns deposits on any chain into claims, and claims into payments on any chain.
/// @dev Invariant V1, per asset: Σ custody = claims + liquidity + insurance + fees
/// + Σ (deposited − credited) + Σ (debited − paid), in 18 decimals, to the last unit.
interface IHubVault is IMessageEndpoint {
    struct Config {
        EndpointConfig endpoint;
        address ledger;
        address creditBook;
    }

    /// @notice The amount is no whole number of the token's units on the destination.
    error FractionOfUnit(uint256 amount18, uint8 decimals);
    error NotAccountOwner(address caller, bytes32 account);
    error ZeroAmount();
    /// @notice Payments to nobody or to the vault itself are refused.
    error InvalidRecipient(address recipient);

    event DepositCredited(
        uint32 indexed chainId,
        uint16 indexed asset,
        bytes32 indexed account,
        uint256 amount18,
        bool liquidity
    );
    event WithdrawalDebited(
        uint32 indexed chainId,
        uint16 indexed asset,
        bytes32 indexed account,
        uint256 amount18,
        address recipient,
        bytes32 messageId,
        bool liquidity
    );

    /// @notice Debits a claim and sends a payment; the account's owner only.
    /// @param attestation About the portfolio as it is after the debit: I ≥ Σ free credit must hold.
    function withdraw(
        bytes32 account,
        uint16 asset,
        uint256 amount18,
        uint32 chainId,
        address recipient,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external payable returns (bytes32 messageId);

    /// @notice Debits liquidity and sends a payment; the provider only.
    function withdrawLiquidity(
        bytes32 account,
        uint16 asset,
        uint256 amount18,
        uint32 chainId,
        address recipient
    ) external payable returns (bytes32 messageId);

    function ledger() external view returns (address);
    function creditBook() external view returns (address);

    /// @notice Everything credited for deposits on a chain, liquidity included, 18 decimals.
    function creditedFrom(uint32 chainId, uint16 asset) external view returns (uint256);

    /// @notice Everything debited for payments on a chain, 18 decimals.
    function debitedTo(uint32 chainId, uint16 asset) external view returns (uint256);
}
