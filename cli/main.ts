#!/usr/bin/env node
import { Command } from 'commander'
import { runProgram } from './program.ts'

type CommandModule = { createCommand: () => Command }

/**
 * Groups of sub-commands. A module is loaded only when its group is asked for, so that help and
 * small commands stay fast.
 */
const groups: Readonly<Record<string, { summary: string; load: () => Promise<CommandModule> }>> = {
  network: {
    summary: 'start, inspect and rebuild the local network',
    load: () => import('./network/command.ts'),
  },
  faucet: {
    summary: 'give an address native coin and test tokens on the local network',
    load: () => import('./faucet/command.ts'),
  },
  follow: {
    summary: 'rebuild every rollup from l1 alone and find any lie',
    load: () => import('./follow/command.ts'),
  },
  replay: {
    summary: 'check the log of this machine and derive every rollup from it again',
    load: () => import('./replay/command.ts'),
  },
  resume: {
    summary: 'let a rollup go on that stopped, or say why it stopped',
    load: () => import('./resume/command.ts'),
  },
  risk: {
    summary: 'price options and margin portfolios, JSON lines in and out',
    load: () => import('./risk/command.ts'),
  },
  relayer: {
    summary: 'look after a relayer: configuration, keys, health, what is pending, rebuild',
    load: () => import('./relayer/command.ts'),
  },
  message: {
    summary: 'say where a message between chains is, and why',
    load: () => import('./message/command.ts'),
  },
  liquidator: {
    summary: 'bid for parts of accounts that are for sale',
    load: () => import('./actors/liquidator/command.ts'),
  },
}

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('tandem')
    .description('Tandem: one sequencer and one pool of collateral for options on many rollups.')
    .version('0.1.0')
    .showHelpAfterError()
    .exitOverride()
  const asked = argv[2]
  for (const [name, { summary, load }] of Object.entries(groups)) {
    const command = name === asked ? (await load()).createCommand() : new Command(name)
    program.addCommand(command.summary(summary))
  }
  await program.parseAsync([...argv])
}

/** Stops with whoever started this: a closed channel counts as SIGTERM. */
function followParent(): void {
  if (process.channel === undefined) return
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}

followParent()
await runProgram(() => main(process.argv))
