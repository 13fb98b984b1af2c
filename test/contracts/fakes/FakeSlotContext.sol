// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A slot context that a test sets by hand.
contract FakeSlotContext {
    uint64 public slot;
    uint64 public timestampMs;
    mapping(bytes32 => bool) public isListed;
    mapping(bytes32 => bool) public isJoint;

    function actorOf(address caller) external pure returns (address) {
        return caller;
    }

    function set(uint64 slot_, uint64 timestampMs_) external {
        slot = slot_;
        timestampMs = timestampMs_;
    }

    function list(bytes32 key) external {
        isListed[key] = true;
    }

    function listJoint(bytes32 key) external {
        isJoint[key] = true;
    }
}

/// @dev A network identity that a test chooses.
contract FakeNetworkId {
    bytes32 public logId;

    constructor(bytes32 logId_) {
        logId = logId_;
    }
}
