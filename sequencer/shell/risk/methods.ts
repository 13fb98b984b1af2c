import { z } from 'zod'
import type { Hex } from '../../../sdk/protocol/hex.ts'
import { LIMITS } from '../../../sdk/protocol/limits.ts'
import { encodeAttestation, encodeInstrumentRisk } from '../../../sdk/protocol/wire.ts'
import type { RiskService } from './service.ts'

const signedInteger = z
  .string()
  .regex(/^-?(0|[1-9][0-9]{0,76})$/)
  .transform(BigInt)
const instrument = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,50})$/)
  .transform(BigInt)
  .refine((id) => id < 1n << 168n, 'an instrument id has 168 bits')

const marginSchema = z.strictObject({
  account: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((text) => text as Hex),
  positions: z
    .array(z.strictObject({ instrument, size18: signedInteger }))
    .max(LIMITS.positionsPerAccount)
    .default([]),
  claims: z
    .array(z.strictObject({ asset: z.int().min(1).max(65_535), amount18: signedInteger }))
    .max(LIMITS.positionsPerAccount)
    .default([]),
})

const instrumentsSchema = z.strictObject({
  instruments: z.array(instrument).min(1).max(LIMITS.positionsPerAccount),
})

/** JSON-RPC methods of the risk signer: name to handler of its one parameter. */
export type RiskMethods = Record<
  'tandem_marginAttestation' | 'tandem_instrumentRisk',
  { schema: z.ZodType; handle: (parameter: unknown) => Promise<unknown> }
>

/** Gives the risk signer's JSON-RPC methods with the shapes of their parameters. */
export function riskMethods(service: RiskService): RiskMethods {
  return {
    tandem_marginAttestation: {
      schema: marginSchema,
      handle: async (parameter) => {
        const { account, positions, claims } = parameter as z.infer<typeof marginSchema>
        const attested = await service.marginAttestation(account, { positions, claims })
        return { ...attested, attestation: encodeAttestation(attested.attestation) }
      },
    },
    tandem_instrumentRisk: {
      schema: instrumentsSchema,
      handle: async (parameter) => {
        const { instruments } = parameter as z.infer<typeof instrumentsSchema>
        const attested = await service.instrumentRisk(instruments)
        return attested.map(({ risk, signature }) => ({
          risk: encodeInstrumentRisk(risk),
          signature,
        }))
      },
    },
  }
}
