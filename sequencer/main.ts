/** The sequencer: gateway, engine, log, drivers and the risk signer of one network. */
import { runProcess } from '../sdk/process/run.ts'
import { noFaults } from './shell/faults.ts'
import { startSequencerProgram } from './shell/start-program.ts'

await runProcess({
  name: 'sequencer',
  start: (context) => startSequencerProgram(context, noFaults),
})
