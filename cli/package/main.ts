#!/usr/bin/env node
import { Command } from 'commander'
import { runProgram } from '../program.ts'
import { createCommand as createRisk } from '../risk/command.ts'

// The `tandem` of the published package: the commands that need no network and no server.
const program = new Command('tandem')
  .description(
    'Tandem: prices, margins and their reasons, from the risk engine that the network runs.',
  )
  .version('0.1.0')
  .showHelpAfterError()
  .exitOverride()
  .addCommand(createRisk())
await runProgram(() => program.parseAsync())
