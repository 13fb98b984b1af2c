import type { Address, Hex } from '../../../sdk/protocol/hex.ts'
import type { AccountFacts } from '../../core/entries/execution.ts'
import { NodeRpcError, type IpcConnection } from './ipc.ts'

/** Accounts asked for in one message. */
const accountsPerMessage = 100

/** Reads nonce, balance and whether there is code of each address after a block, in order. */
export async function readAccounts(
  rpc: IpcConnection,
  blockNumber: number,
  addresses: readonly Address[],
): Promise<AccountFacts[]> {
  const facts: AccountFacts[] = []
  for (let from = 0; from < addresses.length; from += accountsPerMessage) {
    const part = addresses.slice(from, from + accountsPerMessage)
    facts.push(...(await readSome(rpc, `0x${blockNumber.toString(16)}`, part)))
  }
  return facts
}

async function readSome(
  rpc: IpcConnection,
  tag: Hex,
  addresses: readonly Address[],
): Promise<AccountFacts[]> {
  const answers = await rpc.batch(
    addresses.flatMap((address) => [
      { method: 'eth_getTransactionCount', params: [address, tag] },
      { method: 'eth_getBalance', params: [address, tag] },
      { method: 'eth_getCode', params: [address, tag] },
    ]),
  )
  const results = answers.map((answer) => {
    if ('error' in answer) throw answer.error
    return answer.result as Hex
  })
  return addresses.map((address, i) => {
    const [nonce, balance, code] = results.slice(i * 3, i * 3 + 3)
    if (nonce === undefined || balance === undefined || code === undefined) {
      throw new NodeRpcError('eth_getBalance', { code: -32603, message: 'no answer in the batch' })
    }
    return {
      address: address.toLowerCase() as Address,
      nonce: Number(nonce),
      balance: BigInt(balance),
      hasCode: code !== '0x',
    }
  })
}
