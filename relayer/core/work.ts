import { MESSAGE_CLASSES, laneOfClass, type MessageClass, type SignerLane } from './class.ts'
import type { MessageRecord, Stage } from './stages.ts'

/** Kinds of work that a message may wait for. */
export type WorkKind = 'prepare' | 'submit' | 'confirm'

/** What a stage waits for; stages that are absent wait for nothing, or for the chain. */
const WORK: Readonly<Partial<Record<Stage, WorkKind>>> = {
  seen: 'prepare',
  unpaid: 'prepare',
  limited: 'prepare',
  awaiting_finality: 'prepare',
  awaiting_signatures: 'prepare',
  prepared: 'submit',
  included: 'confirm',
  safe: 'confirm',
  delivered_by_other: 'confirm',
}

/** Says what kind of work a stage waits for; undefined when none. */
export function workOfStage(stage: Stage): WorkKind | undefined {
  return WORK[stage]
}

/** Names the list in which a message waits; undefined when it waits for no work of ours. */
export function listOf(
  record: Pick<MessageRecord, 'stage' | 'destination' | 'class'>,
): string | undefined {
  const kind = WORK[record.stage]
  if (kind === undefined) return undefined
  return kind === 'confirm'
    ? confirmList(record.destination)
    : classList(kind, record.destination, record.class)
}

/** Names the list of one class of messages on their way to a destination. */
export function classList(
  kind: 'prepare' | 'submit',
  chainId: number,
  messageClass: MessageClass,
): string {
  return `${kind}.${chainId}.${messageClass}`
}

/** Names the list of a destination's deliveries that are not final. */
export function confirmList(chainId: number): string {
  return `confirm.${chainId}`
}

/** Names the lists that a lane's worker takes from, the most urgent first. */
export function laneLists(
  kind: 'prepare' | 'submit',
  chainId: number,
  lane: SignerLane,
): readonly string[] {
  return MESSAGE_CLASSES.filter((one) => laneOfClass(one) === lane).map((one) =>
    classList(kind, chainId, one),
  )
}

/** Names every list of a destination. */
export function listsOf(chainId: number): readonly string[] {
  const classes = MESSAGE_CLASSES.flatMap((one) => [
    classList('prepare', chainId, one),
    classList('submit', chainId, one),
  ])
  return [...classes, confirmList(chainId)]
}
