/** The relayer: brings every message of a network to its destination, exactly once in effect. */
import { runProcess } from '../sdk/process/run.ts'
import { noFaults } from './shell/faults.ts'
import { startRelayerProgram } from './shell/start-program.ts'

await runProcess({ name: 'relayer', start: (context) => startRelayerProgram(context, noFaults) })
