// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EIP-712 domain of objects that bind to one network and to no chain: `tandemDomain` of the SDK.
library NetworkDomain {
    bytes32 private constant TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,bytes32 salt)"
    );
    bytes32 private constant NAME = keccak256("Tandem");
    bytes32 private constant VERSION = keccak256("1");

    /// @dev Domain separator of the network whose log is `logId`.
    function separator(bytes32 logId) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, NAME, VERSION, logId));
    }

    /// @dev The digest that is signed for a struct's hash.
    function digest(bytes32 logId, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator(logId), structHash));
    }
}
