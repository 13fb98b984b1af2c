import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const outputCharactersMax = 64 * 1024

/** Runs a program to its end; gives its exit code and the last part of what it printed. */
export function runQuietly(file, args, { cwd, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (data) => {
      output = (output + data).slice(-outputCharactersMax)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/**
 * Runs a program in the foreground and gives the exit code to end with.
 *
 * It gets a process group of its own: a Ctrl-C reaches this process (from the terminal and from npm,
 * twice), which passes it on once as SIGTERM. When this process dies instead, the program sees its
 * channel close.
 */
export function runForeground(file, args, { cwd, env = process.env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env,
      // A background group that read from the terminal would be stopped.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    })
    let lastMs = -Infinity
    const pass = () => {
      // Both copies of one Ctrl-C come within milliseconds; a second key press does not.
      if (performance.now() - lastMs < 500) return
      lastMs = performance.now()
      child.kill('SIGTERM')
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, pass)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, pass)
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}
