import { BaseError } from '../../protocol/errors.ts'
import {
  decodeNativeProof,
  nativeKey,
  verifyNativeProof,
  type NativeId,
  type NativeProof,
  type WireNativeProof,
} from '../../protocol/native.ts'
import type { TandemClient } from '../create-client.ts'

/**
 * Asks for a leaf of the native state after the last slot that every reader sees, and checks its proof
 * against the root that comes with it. The root counts once it was found in that slot's header.
 *
 * @throws {@link NativeProofError} when the answer proves something else.
 */
export async function getNativeProof(client: TandemClient, id: NativeId): Promise<NativeProof> {
  const wanted = { ...id, id: id.id.toString() }
  const answer = await client.rpc<WireNativeProof>('tandem_getNativeProof', [wanted])
  const proof = decodeNativeProof(answer)
  if (nativeKey(proof.id) === nativeKey(id) && verifyNativeProof(proof)) return proof
  throw new NativeProofError(proof)
}

/** A proof of the native state does not show what was asked. */
export class NativeProofError extends BaseError {
  override readonly name = 'NativeProofError'

  constructor({ slot, root, values }: NativeProof) {
    super('The proof of the native state does not hold.', {
      code: 'NATIVE_PROOF',
      retryable: false,
      metaMessages: [`slot: ${slot}; root: ${root}; values: ${values.join(', ')}`],
    })
  }
}
