// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TransparentUpgradeableProxy} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";

/// @title Every contract of Tandem stands behind one: the upgrader owns its admin and alone can replace the code.
contract TandemProxy is TransparentUpgradeableProxy {
    /// @param implementation Code to run.
    /// @param upgrader Owner of the proxy's admin.
    /// @param call Call of the initialiser; empty for none.
    constructor(
        address implementation,
        address upgrader,
        bytes memory call
    ) payable TransparentUpgradeableProxy(implementation, upgrader, call) {}
}
