import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, test } from 'vitest'
import { checkpointDigest, type Checkpoint } from '../../relayer/core/checkpoint.ts'
import { encodeCheckpointFile } from '../../relayer/core/checkpoint-file.ts'
import { signerOf } from '../../relayer/shell/submitting/signer.ts'
import { merkleTreeHookAbi } from '../../sdk/abi/hyperlane.ts'
import { developmentKey } from '../../sdk/process/keys.ts'
import { expectUndisturbedEnd, metricOf } from '../fixtures/relayer/oracle.ts'
import { eventually } from '../fixtures/relayer/processes.ts'
import { getJson, sendMany, startStack, type Stack } from '../fixtures/relayer/stack.ts'

let stack: Stack

beforeAll(async () => {
  stack = await startStack()
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

/** Stands in for a validator: shows the checkpoints that a test wants, each as soon as it is added. */
async function startShowcase(port: number) {
  const shown: string[] = []
  const added = new EventEmitter()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (pathname !== '/v1/checkpoints') {
      const last = shown.at(-1)
      return response.writeHead(last === undefined ? 404 : 200).end(last)
    }
    const from = Number(searchParams.get('from'))
    const start = Number.isSafeInteger(from) ? from : 0
    const answer = () => {
      const checkpoints = shown.slice(start).map((one) => JSON.parse(one) as unknown)
      response.end(JSON.stringify({ next: shown.length, checkpoints }))
    }
    // As a validator does it: the answer waits for news.
    return shown.length > start ? answer() : added.once('checkpoint', answer)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  const show = (checkpoint: string) => {
    shown.push(checkpoint)
    added.emit('checkpoint')
  }
  return { show, close }
}

test('row 27: a wrong signature is named, one that contradicts another raises an alert, and the right one delivers', async () => {
  const { east, west, network, relayerUrl } = stack
  const { url } = network.validators.find(({ chainId }) => chainId === east.chainId)!
  await stack.validators.get(east.chainId)!.kill()
  const showcase = await startShowcase(Number(new URL(url).port))
  await stack.startRelayer()
  await sendMany(east, west, 1)
  const [id] = await eventually('the dispatch', async () => {
    const ids = await east.events('DispatchId')
    return ids.length === 1 && ids
  })
  const hook = east.contracts.merkleTreeHook
  const root = await east.node.readContract({
    address: hook,
    abi: merkleTreeHookAbi,
    functionName: 'root',
  })
  const right: Checkpoint = { hook, origin: east.chainId, root, index: 0, messageId: id! }
  const file = async (checkpoint: Checkpoint, key: `0x${string}`) => {
    const signature = await signerOf(key).signDigest(checkpointDigest(checkpoint))
    return encodeCheckpointFile({ checkpoint, signature })
  }
  const own = developmentKey(`validator-${east.chainId}`).privateKey
  showcase.show(await file(right, `0x${'42'.repeat(32)}`))
  await eventually('the stranger is named', async () => {
    const { reason } = await getJson<{ reason?: { text: string } }>(
      `${relayerUrl}/v1/messages/${id}`,
    )
    return reason?.text.includes('the signature is by')
  })
  showcase.show(await file({ ...right, root: `0x${'ab'.repeat(32)}` }, own))
  showcase.show(await file(right, own))
  await eventually('the alert', async () => {
    return (await metricOf(relayerUrl, 'tandem_relayer_equivocations_total')) >= 1
  })
  await expectUndisturbedEnd(stack, { sent: 1 })
  await showcase.close()
}, 90_000)
