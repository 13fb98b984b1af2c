import { assert } from './assert.ts'

/** Every limit of the system in one place; relations between them are asserted when this loads. */
export const LIMITS = {
  /** Legs in one bundle. */
  bundleLegs: 16,
  /** Bytes of one bundle request. */
  bundleBytes: 128 * 1024,
  /** Bytes of one signed transaction. */
  legBytes: 64 * 1024,
  /** Gas that one leg may ask for. */
  legGas: 100_000_000,
  /** Slots between a bundle's first and last. */
  bundleHorizonSlots: 4096,
  /** Slots that an entry waits when it names no last slot. */
  defaultSlots: 512,
  /** Nonces that a lone transaction may be ahead of the next one. */
  nonceWindow: 64,
  /** Milliseconds between a bundle's minTimestamp and maxTimestamp. */
  bundleHorizonMs: 600_000,
  /** Bundles of one sender that wait for a slot or a nonce. */
  heldBundlesPerSender: 64,
  /** Bundles that wait in all. */
  heldBundles: 16_384,
  /** Receipts under one signature. */
  receiptsPerBatch: 4096,
  /** Bytes of one slot's record in the log. */
  slotBytes: 1024 * 1024,
  /** Entries that are ready and not yet in a slot. */
  readyEntries: 8192,
  /** Previews (`eth_callBundle`) under way at once. */
  previews: 32,
  /** Slots that are formed and not yet durable. */
  undurableSlots: 8,
  /** Bytes of revert data that a refusal repeats. */
  revertBytes: 1024,
  /** Accounts whose nonce and balance are kept in memory. */
  trackedAccounts: 200_000,
  /** Candidate bundles taken into one slot. */
  slotBundles: 256,
  /** Keys that one slot lists on a rollup for contracts that guard bundles' legs. */
  slotKeys: 1024,
  /** Entries of lane 1 in one slot; more wait for the next. */
  slotUrgentEntries: 32,
  /** Entries of lane 2 in one slot; more wait for the next. */
  slotReduceEntries: 64,
  /** Entries of lane 4 in one slot; more wait for the next. */
  slotBackrunEntries: 64,
  /** Forced entries in one slot; more wait for the next. */
  slotForcedEntries: 32,
  /** Percent of a block's gas that lane 1 may take, and as much lane 2. */
  laneGasPercent: 20,
  /** Percent of lane 3's gas that forced entries may take in a block. */
  forcedGasPercent: 10,
  /** Entries of one of the lanes 1, 2 and 4 that wait, whoever sent them. */
  laneEntries: 2048,
  /** Forced entries that wait for their slot. */
  forcedEntries: 1024,
  /** Bundles of one sender that may fail within {@link LIMITS.failureSlots} before it must wait. */
  failuresPerSender: 64,
  /** Slots after which failed bundles are forgotten. */
  failureSlots: 512,
  /** Senders whose failures are counted. */
  failingSenders: 16_384,
  /** Blocks that a bundle may name ahead of its chain's head. */
  blockHorizon: 256,
  /** Storage slots that the conditions of one bundle may name. */
  conditionSlots: 64,
  /** Places of one slot at which conditions of storage or margin are looked at. */
  slotProbes: 16,
  /** Rounds of simulation before what is left moves to the next slot. */
  slotRounds: 8,
  /** Messages delivered in one slot. */
  slotMessages: 256,
  /** Replies to replies of a message inside one slot. */
  messageDepth: 4,
  /** Bytes of one message between contracts. */
  messageBytes: 16 * 1024,
  /** Bytes of one JSON-RPC request body. */
  rpcBodyBytes: 1024 * 1024,
  /** Requests in one JSON-RPC array. */
  rpcBatch: 100,
  /** Blocks in one log query that names neither address nor topic. */
  rpcLogBlocks: 10_000,
  /** Blocks in one log query that names an address or a topic: an index finds them. */
  rpcNamedLogBlocks: 1_000_000,
  /** Logs in one answer. */
  rpcLogs: 10_000,
  /** Requests that the gateway works on at once. */
  rpcInFlight: 4096,
  /** Blocks in one fee history. */
  rpcFeeBlocks: 1024,
  /** Bytes of the answer to one JSON-RPC array. */
  rpcAnswerBytes: 32 * 1024 * 1024,
  /** Transactions per rollup that were taken and are shown before their block is published. */
  rpcPending: 8192,
  /** Polling filters of one rollup. */
  rpcFilters: 1024,
  /** Blocks of which one poll of a filter tells at most. */
  rpcFilterBlocks: 1024,
  /** Milliseconds after which a filter that nobody asks for is forgotten. */
  rpcFilterMs: 300_000,
  /** Milliseconds that `eth_sendRawTransactionSync` waits for a block, unless told otherwise. */
  rpcSyncMsDefault: 5_000,
  /** Milliseconds that it waits at most. */
  rpcSyncMsMax: 30_000,
  /** Storage keys of one proof. */
  rpcProofKeys: 256,
  /** Milliseconds in which a reader of the slot feed takes a frame, or is cut off. */
  feedTakeMs: 30_000,
  /** WebSocket connections of the gateway. */
  wsConnections: 1024,
  /** Subscriptions of one WebSocket connection. */
  wsSubscriptions: 64,
  /** Bytes that wait for a slow WebSocket reader before it is cut off. */
  wsBacklogBytes: 4 * 1024 * 1024,
  /** Actions in one native frame. */
  frameActions: 256,
  /** Open orders of one account. */
  openOrdersPerAccount: 1000,
  /** Positions of one account. */
  positionsPerAccount: 128,
  /** Expiries in one account. */
  expiriesPerAccount: 30,
  /** Expiries in one feed update. */
  feedExpiries: 30,
  /** Feed signatures in one update. */
  feedSignatures: 16,
} as const

assert(LIMITS.bundleLegs * 2 < LIMITS.slotBundles * LIMITS.bundleLegs, 'a slot holds a bundle')
assert(
  LIMITS.slotUrgentEntries + LIMITS.slotReduceEntries < LIMITS.slotBundles / 2,
  'lane 3 keeps half of the entries of a slot',
)
assert(LIMITS.bundleLegs * 2 <= LIMITS.slotKeys, 'the keys of a bundle fit a slot')
assert(LIMITS.laneGasPercent * 2 <= 50, 'lane 3 keeps half of the gas of a block')
assert(LIMITS.laneEntries * 3 < LIMITS.readyEntries, 'other lanes leave room for lane 3')
assert(LIMITS.legBytes <= LIMITS.bundleBytes, 'a leg fits a bundle')
assert(LIMITS.defaultSlots <= LIMITS.bundleHorizonSlots, 'a default window fits the horizon')
assert(LIMITS.slotBundles <= LIMITS.readyEntries, 'a slot is taken from the ready entries')
assert(LIMITS.bundleBytes <= LIMITS.slotBytes, 'a bundle fits a slot')
assert(LIMITS.bundleBytes <= LIMITS.rpcBodyBytes, 'a bundle fits a request')
assert(LIMITS.heldBundlesPerSender <= LIMITS.heldBundles, 'one sender fits the waiting room')
assert(LIMITS.slotBundles <= LIMITS.receiptsPerBatch, 'one signature covers a slot')
