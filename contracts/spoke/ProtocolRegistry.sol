// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IProtocolRegistry} from "./IProtocolRegistry.sol";

/// @title Protocols that may use the pool on this rollup, and how much a faulty one can do in a day.
/// @dev Invariant: one protocol has one id and one id one protocol, for ever.
contract ProtocolRegistry is IProtocolRegistry, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.ProtocolRegistry
    struct Layout {
        address governance;
        address guardian;
        mapping(uint32 protocolId => ProtocolConfig) protocols;
        mapping(address protocol => uint32 protocolId) ids;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.ProtocolRegistry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x53b2517480c0aeb3af220f80b05f4f1e1874e4eda008d04d7e1cb6a3287ba800;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names governance, guardian and the first protocols.
    function initialize(Config calldata config) external initializer {
        _layout().governance = config.governance;
        _layout().guardian = config.guardian;
        for (uint256 i = 0; i < config.protocols.length; ++i) {
            _addProtocol(config.protocols[i]);
        }
    }

    /// @inheritdoc IProtocolRegistry
    function addProtocol(ProtocolConfig calldata config) external override {
        address expected = _layout().governance;
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _addProtocol(config);
    }

    /// @inheritdoc IProtocolRegistry
    function setCaps(
        uint32 protocolId,
        uint128 usedPerDay18,
        uint128 cashPerDay18
    ) external override {
        Layout storage s = _layout();
        ProtocolConfig storage p = s.protocols[protocolId];
        if (p.protocol == address(0)) revert UnknownProtocol(protocolId);
        if (msg.sender != s.governance) {
            if (msg.sender != s.guardian) revert Unauthorised(msg.sender, s.governance);
            if (usedPerDay18 > p.usedPerDay18) revert CapNotLower(usedPerDay18, p.usedPerDay18);
            if (cashPerDay18 > p.cashPerDay18) revert CapNotLower(cashPerDay18, p.cashPerDay18);
        }
        p.usedPerDay18 = usedPerDay18;
        p.cashPerDay18 = cashPerDay18;
        emit ProtocolCapsSet(protocolId, usedPerDay18, cashPerDay18);
    }

    /// @inheritdoc IProtocolRegistry
    function protocolConfig(
        uint32 protocolId
    ) external view override returns (ProtocolConfig memory) {
        return _layout().protocols[protocolId];
    }

    /// @inheritdoc IProtocolRegistry
    function protocolIdOf(address protocol) external view override returns (uint32) {
        return _layout().ids[protocol];
    }

    function _addProtocol(ProtocolConfig calldata config) private {
        Layout storage s = _layout();
        (uint32 id, address protocol) = (config.protocolId, config.protocol);
        if (id == 0 || protocol == address(0)) revert InvalidProtocol(id, protocol);
        if (s.protocols[id].protocol != address(0) || s.ids[protocol] != 0) {
            revert ProtocolAlreadySet(id, protocol);
        }
        s.protocols[id] = config;
        s.ids[protocol] = id;
        emit ProtocolSet(id, protocol);
        emit ProtocolCapsSet(id, config.usedPerDay18, config.cashPerDay18);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
