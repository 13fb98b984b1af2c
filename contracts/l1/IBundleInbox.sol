// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BundleIntent} from "../types/Intents.sol";

/// @title Whole bundles that the log must take: what is put here stands there within the forced window, or every
/// later slot is invalid (I11).
interface IBundleInbox {
    /// @notice What a place costs, in wei of this chain's coin.
    struct Fees {
        uint96 base;
        uint96 perByte;
        /// Per unit of gas that its calls ask for on the rollups.
        uint64 perGas;
    }

    struct Config {
        /// May change the fees and collect them; meant to be a timelock.
        address governance;
        Fees fees;
    }

    error Unauthorised(address caller, address expected);
    /// @notice The fee that came is less than what the place costs, in wei.
    error FeeTooLow(uint256 given, uint256 needed);
    /// @notice A bundle has 1 to 16 calls.
    error BadCallCount(uint256 calls, uint256 limit);
    /// @notice The bundle's calls, or its signature, have more bytes than the limit.
    error TooLong(uint256 bytesGiven, uint256 limit);
    /// @notice The calls ask for more gas than the limit.
    error TooMuchGas(uint256 gas, uint256 limit);
    /// @notice This block has taken as many bundles as it may.
    error BlockFull(uint256 limit);
    /// @notice The bundle's time is over already.
    error Expired(uint64 deadlineS, uint256 nowS);

    /// @notice A bundle was put here; its place is its order.
    event Forced(
        uint256 indexed index,
        bytes32 indexed intentHash,
        address indexed payer,
        BundleIntent intent,
        bytes signature
    );
    event FeesSet(Fees fees);
    event Collected(address indexed to, uint256 amountWei);

    /// @notice Puts a bundle here for the log. Anybody may pay for it. What is paid beyond the fee stays here too.
    /// @return index Its place, from 0.
    function force(
        BundleIntent calldata intent,
        bytes calldata signature
    ) external payable returns (uint256 index);

    /// @notice Wei that a bundle costs.
    function quote(
        BundleIntent calldata intent,
        bytes calldata signature
    ) external view returns (uint256 feeWei);

    /// @notice Bundles put here so far.
    function count() external view returns (uint256);

    /// @notice Hash of the intent at a place; zero when there is none.
    function intentHashAt(uint256 index) external view returns (bytes32);

    function fees() external view returns (Fees memory);

    function governance() external view returns (address);

    /// @notice Sets what a place costs; governance only.
    function setFees(Fees calldata newFees) external;

    /// @notice Takes the fees out; governance only.
    function collect(address payable to) external;
}
