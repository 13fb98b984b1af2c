// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token of the local network: worth nothing, minted by the network's faucet.
/// @dev For local networks and tests only; an ordinary ERC-20 in every other respect.
contract FaucetToken is ERC20 {
    /// @notice The only address that may mint.
    address public immutable faucet;

    uint8 private immutable tokenDecimals;

    /// @notice Someone other than the faucet asked for new tokens.
    /// @param caller Who asked.
    /// @param faucet Who may.
    error NotFaucet(address caller, address faucet);

    /// @param name_ Name of the token.
    /// @param symbol_ Symbol of the token.
    /// @param decimals_ Decimals of the token's smallest unit.
    /// @param faucet_ Who may mint.
    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address faucet_
    ) ERC20(name_, symbol_) {
        tokenDecimals = decimals_;
        faucet = faucet_;
    }

    /// @notice Mints new tokens.
    /// @param to Who receives them.
    /// @param amount How many, in the token's smallest unit.
    function mint(address to, uint256 amount) external {
        if (msg.sender != faucet) revert NotFaucet(msg.sender, faucet);
        _mint(to, amount);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return tokenDecimals;
    }
}
