import { pino, type DestinationStream, type Logger } from 'pino'
import { z } from 'zod'
import { readEnvironment, type Environment } from './environment.ts'

export type { Logger } from 'pino'

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/**
 * Makes a program's logger: JSON lines on standard output, `TANDEM_LOG_LEVEL` (default `info`).
 *
 * Secrets are removed by key before a line is written.
 */
export function createLogger(
  program: string,
  options: {
    environment?: Environment | undefined
    destination?: DestinationStream | undefined
  } = {},
): Logger {
  const { TANDEM_LOG_LEVEL: level } = readEnvironment({
    prefix: 'TANDEM_LOG_',
    shape: { TANDEM_LOG_LEVEL: z.enum(levels).default('info') },
    environment: options.environment,
  })
  const settings = {
    level,
    base: { program, pid: process.pid },
    timestamp: () => `,"timeMs":${Date.now()}`,
    redact: ['privateKey', 'secret', '*.privateKey', '*.secret', 'headers.authorization'],
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}
