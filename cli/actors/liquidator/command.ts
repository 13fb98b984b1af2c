import { Command } from 'commander'
import { NETWORK_FILE_DEFAULT } from '../../../sdk/process/network.ts'
import { runLiquidator } from './run.ts'

/** Makes `tandem liquidator`. */
export function createCommand(): Command {
  return new Command('liquidator')
    .description(
      'Bid for parts of accounts that are for sale; restrict and clear the others. The key is in TANDEM_KEY_LIQUIDATOR; ' +
        'on a local network the development key serves. Its main account needs cash on the hub.',
    )
    .option('--network <file>', 'network file', NETWORK_FILE_DEFAULT)
    .action(({ network }: { network: string }) => runLiquidator(network))
}
