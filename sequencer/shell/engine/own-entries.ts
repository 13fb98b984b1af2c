import { TandemError } from '../../../sdk/protocol/errors.ts'
import type { SignedReceipt } from '../../../sdk/protocol/receipt.ts'
import type { CoreEvent } from '../../core/input.ts'
import type { Engine } from './engine.ts'

/**
 * Puts an entry of the sequencer's own into the log, and waits until it is durable.
 *
 * @throws RefusedError when the core refuses it, TandemError NOT_READY when the engine takes nothing.
 */
export function sendOwn(
  engine: Pick<Engine, 'answers' | 'closed' | 'dispatch'>,
  event: (requestId: number) => CoreEvent,
): Promise<SignedReceipt> {
  return new Promise((resolve, reject) => {
    if (engine.closed !== undefined) throw new TandemError('NOT_READY', { reason: engine.closed })
    engine.dispatch(event(engine.answers.wait({ receipt: resolve, reject })))
  })
}
