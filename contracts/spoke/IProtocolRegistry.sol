// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Protocols that may use the pool on this rollup, and how much a faulty one can do in a day.
interface IProtocolRegistry {
    struct ProtocolConfig {
        uint32 protocolId;
        address protocol;
        /// Most capacity that changes by this protocol may use in one day (UTC), USD × 10^18.
        uint128 usedPerDay18;
        /// Most cash that this protocol may move from account to account in one day, USD × 10^18.
        uint128 cashPerDay18;
    }

    struct Config {
        address governance;
        address guardian;
        ProtocolConfig[] protocols;
    }

    error Unauthorised(address caller, address expected);
    error ProtocolAlreadySet(uint32 protocolId, address protocol);
    error UnknownProtocol(uint32 protocolId);
    error InvalidProtocol(uint32 protocolId, address protocol);
    /// @notice A guardian may only lower a cap.
    error CapNotLower(uint256 given, uint256 current);

    event ProtocolSet(uint32 indexed protocolId, address indexed protocol);
    event ProtocolCapsSet(uint32 indexed protocolId, uint128 usedPerDay18, uint128 cashPerDay18);

    /// @notice Adds a protocol; governance only.
    function addProtocol(ProtocolConfig calldata config) external;

    /// @notice Sets caps: governance freely, the guardian only lower.
    function setCaps(uint32 protocolId, uint128 usedPerDay18, uint128 cashPerDay18) external;

    /// @notice A protocol's entry; address zero when there is none.
    function protocolConfig(uint32 protocolId) external view returns (ProtocolConfig memory);

    /// @notice The protocol at an address; 0 when there is none.
    function protocolIdOf(address protocol) external view returns (uint32);
}
