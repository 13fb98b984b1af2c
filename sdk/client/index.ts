export * from './contracts.ts'
export * from './create-client.ts'
export * from './legs.ts'
export * from './rpc.ts'
