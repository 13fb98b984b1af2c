/** Writes one snapshot of a node in a thread of its own, so that nobody waits while it is packed out. */
import { workerData } from 'node:worker_threads'
import { writeSnapshot, type SnapshotOrder } from '../snapshot.ts'

writeSnapshot(workerData as SnapshotOrder)
