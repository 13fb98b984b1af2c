// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev A token with any decimals that refuses recipients on request.
contract TestToken is ERC20 {
    uint8 private immutable places;
    mapping(address => bool) public refused;

    constructor(uint8 decimals_) ERC20("Test", "TST") {
        places = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return places;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function refuse(address to, bool value) external {
        refused[to] = value;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(from == address(0) || !refused[to], "refused");
        super._update(from, to, amount);
    }
}

/// @dev A token that keeps one part in a hundred of every transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0)) return super._update(from, to, amount);
        super._update(from, to, amount - amount / 100);
        super._update(from, address(0), amount / 100);
    }
}
