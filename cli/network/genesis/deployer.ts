import { encodeDeployData, encodeFunctionData, getContractAddress, toHex, type Abi } from 'viem'
import { assert } from '../../../sdk/protocol/assert.ts'
import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import type { Rpc } from '../anvil/rpc.ts'
import { DEPLOYER } from './addresses.ts'
import { GenesisError } from './error.ts'

/** What the compiler made of a contract. */
export type Artifact = { name: string; abi: Abi; bytecode: Hex }

/** A contract on a chain: where it is and how to talk to it. */
export type Deployed = { address: Address; abi: Abi }

/** Sends the deployer's transactions to a scratch node, several to a block. */
export type Deployer = {
  /** Goes to a nonce ahead; nothing may wait for a block. */
  moveTo: (nonce: number) => Promise<void>
  /** Creates a contract at the next nonce. */
  create: (artifact: Artifact, args?: readonly unknown[]) => Promise<Deployed>
  /** Calls a function of a contract. */
  call: (to: Deployed, functionName: string, args?: readonly unknown[]) => Promise<void>
  /** Puts everything sent so far into one block and checks that all of it succeeded. */
  mine: () => Promise<void>
}

type Sent = { hash: Hex; what: string; creates?: Address | undefined }

const gasPerTransaction = 30_000_000

/** Makes the deployer of a scratch node: base fee 0, mining on demand only. */
export async function createDeployer(rpc: Rpc): Promise<Deployer> {
  await rpc('anvil_setBalance', [DEPLOYER, '0x3635c9adc5dea00000'])
  await rpc('anvil_impersonateAccount', [DEPLOYER])
  const pending: Sent[] = []
  let nonce = 0

  const send = async (what: string, request: { to?: Address; data: Hex }) => {
    const hash = await rpc<Hex>('eth_sendTransaction', [
      {
        from: DEPLOYER,
        nonce: toHex(nonce),
        gas: toHex(gasPerTransaction),
        gasPrice: '0x0',
        ...request,
      },
    ])
    nonce += 1
    return { hash, what }
  }

  return {
    moveTo: async (next) => {
      assert(pending.length === 0, 'the deployer moves between blocks only')
      assert(next >= nonce, 'the deployer never goes back')
      await rpc('anvil_setNonce', [DEPLOYER, toHex(next)])
      nonce = next
    },
    create: async (artifact, args = []) => {
      const { name, abi, bytecode } = artifact
      const address = getContractAddress({ from: DEPLOYER, nonce: BigInt(nonce) })
      const data = encodeDeployData({ abi, bytecode, args })
      pending.push({ ...(await send(`create ${name}`, { data })), creates: address })
      return { address, abi }
    },
    call: async ({ address, abi }, functionName, args = []) => {
      const data = encodeFunctionData({ abi, functionName, args })
      pending.push(await send(`${functionName} at ${address}`, { to: address, data }))
    },
    mine: async () => {
      await rpc('evm_mine')
      for (const sent of pending.splice(0)) await checkMined(rpc, sent)
    },
  }
}

async function checkMined(rpc: Rpc, { hash, what, creates }: Sent): Promise<void> {
  const receipt = await rpc<{ status: Hex; contractAddress: Hex | null; gasUsed: Hex } | null>(
    'eth_getTransactionReceipt',
    [hash],
  )
  if (receipt === null) throw new GenesisError(`"${what}" was not mined.`)
  if (receipt.status !== '0x1') {
    throw new GenesisError(`"${what}" failed.`, [`gas used: ${Number(receipt.gasUsed)}`])
  }
  if (creates !== undefined && receipt.contractAddress?.toLowerCase() !== creates.toLowerCase()) {
    throw new GenesisError(`"${what}" gave an unexpected address.`, [
      `address: ${receipt.contractAddress}; expected: ${creates}`,
    ])
  }
}
