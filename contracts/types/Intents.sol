// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One call of an intent, on one chain. It carries no coin.
struct IntentCall {
    uint64 chainId;
    address target;
    /// Gas that the call gets.
    uint64 gas;
    bytes data;
}

/// @notice A bundle that its owner signs as a whole: its calls run in order, on every chain or on none.
struct BundleIntent {
    /// Key, or contract (ERC-1271) on each chain that it calls on, that signs.
    address owner;
    /// Any number that the owner has not used: the intent runs once.
    uint256 nonce;
    /// Log time after which it does not run, seconds since 1970.
    uint64 deadlineS;
    IntentCall[] calls;
}
