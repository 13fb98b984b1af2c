// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BundleIntent} from "../types/Intents.sol";

/// @title Runs signed bundles of calls in the name of their owners, on one chain of several.
/// @dev The log's system key alone calls it, so a call never runs alone: it stands in the log with all others of its
/// intent or not at all (I12, I21). The owner needs no coin on any rollup.
/// @dev It holds nothing: whoever sends it tokens, or gives it rights, gives them to everybody.
interface IBundleExecutor {
    struct Config {
        /// Names the system key and the slot's time.
        address slotContext;
        /// Contract that holds the network's identity on this chain.
        address networkId;
    }

    /// @notice Someone other than the system key called.
    error NotSystem(address caller, address system);
    /// @notice The owner did not sign this intent for this network.
    error NotSigned(address owner, bytes32 digest);
    /// @notice The intent's time is over, seconds since 1970.
    error IntentExpired(uint64 deadlineS, uint64 nowS);
    /// @notice There is no such call in the intent, or it is for another chain.
    error WrongCall(uint256 index, uint256 calls, uint256 chainId);
    /// @notice This call of an intent with this nonce ran before on this chain.
    error AlreadyExecuted(address owner, uint256 nonce, uint256 index);
    /// @notice Too little gas is left for what the call was promised.
    error GasTooLow(uint256 left, uint64 promised);
    /// @notice A call reverted without data.
    error CallFailed(uint256 index);

    event IntentExecuted(
        address indexed owner,
        uint256 indexed nonce,
        bytes32 indexed intentHash,
        uint256 first,
        uint256 count
    );

    /// @notice Runs calls `first` to `first + count - 1` of an intent, all of them for this chain; reverts as the
    /// first that reverts. System key only.
    function execute(
        BundleIntent calldata intent,
        bytes calldata signature,
        uint256 first,
        uint256 count
    ) external;

    /// @notice Owner of the intent that is running; zero when none is.
    function actingFor() external view returns (address);

    /// @notice Says whether a call ran.
    function isExecuted(address owner, uint256 nonce, uint256 index) external view returns (bool);

    function slotContext() external view returns (address);
}
