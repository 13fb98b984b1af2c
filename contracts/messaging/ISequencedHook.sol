// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPostDispatchHook} from "./IPostDispatchHook.sol";

/// @title Sells the delivery of messages in the slot of their dispatch: gas limit × price.
/// @dev What is not paid for, asks for more gas than a slot gives, or goes to a chain that is not sequenced, is
/// dispatched all the same and goes a relayer's way.
/// @dev To Hyperlane's tools it is a hook that takes a fee: `protocolFee` is what a message that names no gas limit
/// costs, and no message costs more than `MAX_PROTOCOL_FEE`.
interface ISequencedHook is IPostDispatchHook {
    struct Config {
        /// May set price, limits and who gets the fees; meant to be a timelock.
        address owner;
        address beneficiary;
        Terms terms;
        /// Chains whose slots are sold.
        uint32[] destinations;
    }

    struct Terms {
        /// Wei per gas; zero is allowed.
        uint64 priceWei;
        /// Gas of a delivery whose message names none.
        uint32 gasDefault;
        /// Most gas of one delivery.
        uint32 gasMax;
    }

    error Unauthorised(address caller, address expected);
    /// @notice A delivery could cost more than it ever may, in wei.
    error FeeTooHigh(uint256 feeWei, uint256 limitWei);
    /// @notice The default gas is above the most.
    error GasAboveLimit(uint32 gas, uint32 limit);
    /// @notice The metadata is of another kind than Hyperlane's standard, or pays in a token.
    error MetadataUnknown();

    /// @notice Delivery in the slot was paid for.
    event DeliveryBought(
        bytes32 indexed messageId,
        uint32 indexed destination,
        uint256 gasLimit,
        uint256 paidWei
    );
    event TermsSet(uint64 priceWei, uint32 gasDefault, uint32 gasMax);
    event DestinationSet(uint32 indexed destination, bool sold);
    event FeesCollected(address indexed beneficiary, uint256 amountWei);
    event RolesSet(address owner, address beneficiary);

    /// @notice Sends what was paid so far to the beneficiary.
    function collectProtocolFees() external;

    /// @notice Sets price and limits; owner only.
    function setTerms(Terms calldata newTerms) external;

    /// @notice Adds or removes a chain whose slots are sold; owner only.
    function setDestination(uint32 destination, bool sold) external;

    /// @notice Replaces owner and beneficiary; owner only.
    function setRoles(address newOwner, address newBeneficiary) external;

    function terms() external view returns (Terms memory);
    function isSold(uint32 destination) external view returns (bool);
    function owner() external view returns (address);
    function beneficiary() external view returns (address);

    /// @notice What a message that names no gas limit costs, in wei.
    function protocolFee() external view returns (uint256);

    /// @notice What no message costs more than, in wei.
    function MAX_PROTOCOL_FEE() external view returns (uint256);
}
