import { bytesToHex, concatBytes, hexToBytes, uintBytes } from '../../../sdk/protocol/bytes.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import type { Disk, DiskFile } from '../log/disk.ts'
import { frame, framesFrom } from '../log/frame.ts'

/** An entry that was answered with its hash while it waits for its nonce, block or time. */
export type WaitingEntry = {
  /** 0 for a bundle. */
  chainId: number
  /** A signed transaction, or a bundle as its owner encodes it. */
  rawTx: Hex
  /** Last slot in which it may stand. */
  untilSlot: number
}

/**
 * Entries that wait, on disk: whoever was told that his was taken finds it taken after a crash too. It leaves the files some time after it stopped waiting.
 */
export type WaitingRoom = {
  /** What an earlier process left. */
  found: readonly WaitingEntry[]
  /**
   * Keeps a transaction; it survives a crash when this is done.
   *
   * @param waits - Says which transactions wait now: the others are forgotten when the file has grown
   * too long.
   */
  keep: (transaction: WaitingEntry, waits: (transaction: WaitingEntry) => boolean) => Promise<void>
  close: () => Promise<void>
}

const namePattern = /^(\d{8})\.waiting$/
const headBytes = 16

type Batch = { transactions: WaitingEntry[]; done: Promise<void> }

/**
 * Opens the waiting room in a directory.
 *
 * @param longest - Transactions in one file before those that wait no more are forgotten.
 */
export async function openWaitingRoom(
  disk: Disk,
  longest: number = LIMITS.heldBundles * 2,
): Promise<WaitingRoom> {
  const found = await readAll(disk)
  let kept = new Map(found.map((transaction) => [transaction.rawTx, transaction]))
  let { file, old } = await nextFile(disk)
  let written = 0
  let last: Promise<void> = Promise.resolve()
  let batch: Batch | undefined

  const write = async (transactions: readonly WaitingEntry[]) => {
    if (transactions.length === 0) return
    await file.append(concatBytes(transactions.map((item) => frame(encode(item)))))
    await file.sync()
    written += transactions.length
  }
  /** Takes what still waits into a new file and lets go of the old ones. */
  const compact = async (waits: (transaction: WaitingEntry) => boolean) => {
    kept = new Map([...kept].filter(([, transaction]) => waits(transaction)))
    await file.close()
    ;({ file, old } = await nextFile(disk))
    written = 0
    await write([...kept.values()])
    for (const name of old) await disk.remove(name)
  }
  /** Those that come while others are being written share the next sync. */
  const begin = (waits: (transaction: WaitingEntry) => boolean): Batch => {
    const transactions: WaitingEntry[] = []
    const done = last.then(async () => {
      batch = undefined
      try {
        await write(transactions)
      } catch (error) {
        for (const { rawTx } of transactions) kept.delete(rawTx)
        throw error
      }
    })
    // One that fails is told to whoever waits for it; the next one tries for itself.
    last = done.then(() => (written >= longest ? compact(waits) : undefined)).catch(() => undefined)
    return { transactions, done }
  }
  return {
    found,
    keep: (transaction, waits) => {
      if (kept.has(transaction.rawTx)) return last
      kept.set(transaction.rawTx, transaction)
      batch ??= begin(waits)
      batch.transactions.push(transaction)
      return batch.done
    },
    close: async () => {
      await last
      await file.close()
    },
  }
}

async function nextFile(disk: Disk): Promise<{ file: DiskFile; old: string[] }> {
  const old = (await disk.list()).filter((name) => namePattern.test(name)).toSorted()
  const number = Number(namePattern.exec(old.at(-1) ?? '')?.[1] ?? 0) + 1
  const file = await disk.open(`${String(number).padStart(8, '0')}.waiting`, 0)
  return { file, old }
}

/** A torn end is one that nobody was answered for. */
async function readAll(disk: Disk): Promise<WaitingEntry[]> {
  const names = (await disk.list()).filter((name) => namePattern.test(name)).toSorted()
  const all: WaitingEntry[] = []
  for (const name of names) {
    const { frames } = framesFrom(await disk.read(name), 0)
    all.push(...frames.map(({ payload }) => decode(payload)))
  }
  return all
}

function encode({ chainId, rawTx, untilSlot }: WaitingEntry): Uint8Array {
  return concatBytes([uintBytes(chainId, 8), uintBytes(untilSlot, 8), hexToBytes(rawTx)])
}

function decode(bytes: Uint8Array): WaitingEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    chainId: Number(view.getBigUint64(0)),
    untilSlot: Number(view.getBigUint64(8)),
    rawTx: bytesToHex(bytes.subarray(headBytes)),
  }
}
