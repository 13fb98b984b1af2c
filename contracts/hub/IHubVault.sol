// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageEndpoint} from "../messaging/IMessageEndpoint.sol";
import {MarginAttestation} from "../types/Margin.sol";

/// @title Turns deposits on any chain into claims, and claims into payments on any chain.
/// @dev Invariant V1, per asset: Σ custody = claims + liquidity + insurance + fees
/// + Σ (deposited − credited) + Σ (debited − paid), in 18 decimals, to the last unit.
/// @dev Invariant V25: a payment of a claim leaves when everything that was accepted early before it is confirmed.
interface IHubVault is IMessageEndpoint {
    struct Config {
        EndpointConfig endpoint;
        address ledger;
        address creditBook;
        /// Counts what this chain accepted on the sequencer's word.
        address early;
    }

    /// @notice A payment that waits until validators signed everything that came before it.
    struct HeldPayment {
        uint32 chainId;
        uint16 asset;
        /// Place of the first message that it need not wait for.
        uint64 until;
        address recipient;
        uint256 amount18;
    }

    /// @notice The amount is no whole number of the token's units on the destination.
    error FractionOfUnit(uint256 amount18, uint8 decimals);
    error NotAccountOwner(address caller, bytes32 account);
    error ZeroAmount();
    /// @notice Payments to nobody or to the vault itself are refused.
    error InvalidRecipient(address recipient);
    /// @notice No payment waits at that place.
    error NothingHeld(uint256 place);
    /// @notice Something that the payment may rest on is not confirmed yet (V25).
    error NotConfirmed(uint64 confirmedBelow, uint64 until);

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

    /// @notice A claim was debited while messages were unconfirmed: the payment leaves by {release}.
    event PaymentHeld(uint256 indexed place, uint64 until);
    event PaymentReleased(uint256 indexed place, bytes32 messageId);

    /// @notice Debits a claim and sends a payment; the account's owner only. While this chain has accepted messages
    /// that validators did not sign yet, the payment is held until they did (V25).
    /// @return messageId The payment's message; zero when it is held.
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

    /// @notice Sends a payment that was held, once everything that came before it is confirmed. Anybody may call.
    function release(uint256 place) external payable returns (bytes32 messageId);

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
    function early() external view returns (address);

    /// @notice A payment that waits; zeros when none does.
    function heldPayment(uint256 place) external view returns (HeldPayment memory);

    /// @notice Everything credited for deposits on a chain, liquidity included, 18 decimals.
    function creditedFrom(uint32 chainId, uint16 asset) external view returns (uint256);

    /// @notice Everything debited for payments on a chain, 18 decimals.
    function debitedTo(uint32 chainId, uint16 asset) external view returns (uint256);
}
