import { Command, InvalidArgumentError } from 'commander'
import { NETWORK_FILE_DEFAULT } from '../../sdk/process/network.ts'
import { openRelayerApi } from '../relayer/api.ts'

type IsmTree = {
  address: string
  kind: string
  buildable: boolean
  reason: string
  validators: readonly string[]
  children: readonly IsmTree[]
}

type Message = {
  id: string
  origin: number
  destination: number
  class: string
  stage: string
  attempts: number
  reason?: { code: string; text: string }
  submission?: { lane: string; nonce: number; transactionHash?: string }
  delivery?: { blockNumber: number; transactionHash: string }
  timeline: readonly { atMs: number; stage: string; event: string; detail: string }[]
  ism?: IsmTree
}

const say = (text: string) => void process.stdout.write(`${text}\n`)

/** Makes `tandem message`: where one message is, and why. */
export function createCommand(): Command {
  const command = new Command('message').description('Look at one message between chains.')
  command
    .command('explain')
    .description('Say where a message is, why it waits, and what its security modules ask for.')
    .argument('<id>', 'message id', id)
    .option('--network <file>', 'network file', NETWORK_FILE_DEFAULT)
    .action(async (wanted: string, { network }: { network: string }) => {
      show(await openRelayerApi(network).get<Message>(`/v1/messages/${wanted}`))
    })
  return command
}

function show(message: Message): void {
  const { reason, submission, delivery, timeline, ism } = message
  say(
    `${message.id}: ${message.origin} → ${message.destination}, ${message.class}, ${message.stage}`,
  )
  if (reason !== undefined) say(`why: ${reason.text} (${reason.code})`)
  if (submission !== undefined) {
    const hash = submission.transactionHash ?? 'not signed yet'
    say(`sent by: lane ${submission.lane}, nonce ${submission.nonce}, ${hash}`)
  }
  if (delivery !== undefined) {
    say(`delivered: block ${delivery.blockNumber}, ${delivery.transactionHash}`)
  }
  const [first] = timeline
  for (const { atMs, stage, event, detail } of timeline) {
    say(
      `  +${String(atMs - (first?.atMs ?? atMs)).padStart(6)} ms  ${event} → ${stage}  ${detail}`.trimEnd(),
    )
  }
  if (ism !== undefined) tree(ism, 0)
}

function tree(node: IsmTree, depth: number): void {
  const state = node.buildable ? 'can be met' : `cannot be met: ${node.reason}`
  say(`${'  '.repeat(depth + 1)}${node.kind} ${node.address}: ${state}`)
  for (const child of node.children) tree(child, depth + 1)
}

function id(text: string): string {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('It must be 32 bytes in hexadecimal.')
}
