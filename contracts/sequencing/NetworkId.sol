// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INetworkId} from "./INetworkId.sol";

/// @dev Whoever starts a network writes its identity into storage slot 0 of this contract in the
/// genesis of each chain. There is no setter and no proxy: an identity cannot change afterwards.
contract NetworkId is INetworkId {
    /// @inheritdoc INetworkId
    bytes32 public override logId;
}
