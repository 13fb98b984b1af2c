import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../fixtures/program.ts', import.meta.url))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function run(behaviour: string) {
  const child = fork(program, [behaviour], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  children.push(child)
  let output = ''
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
  const printed = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (output.includes(text)) resolve()
      }
      child.stdout?.on('data', look)
      look()
    })
  const ready = new Promise<unknown>((resolve) => child.once('message', resolve))
  // Not `close`: a child whose channel this side disconnected never gets it.
  const ended = Promise.all([once(child, 'exit'), once(child.stdout!, 'close')]).then(
    ([[code]]) => ({ code: code as number | null, output }),
  )
  return { child, ready, ended, printed }
}

describe('runProcess', () => {
  test('tells its supervisor that it is ready and stops cleanly on SIGTERM', async () => {
    const { child, ready, ended } = run('normal')
    expect(await ready).toEqual({ type: 'ready' })
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, output: expect.stringContaining('clean\n') })
  })

  test('leaves a Ctrl-C in the terminal to its supervisor', async () => {
    const { child, ready, ended } = run('normal')
    await ready
    child.kill('SIGINT')
    child.kill('SIGTERM')
    const { output } = await ended
    expect(output).toContain('"reason":"SIGTERM"')
    expect(output).not.toContain('"reason":"SIGINT"')
  })

  test('does not outlive its supervisor', async () => {
    const { child, ready, ended } = run('normal')
    await ready
    child.disconnect()
    expect(await ended).toMatchObject({ code: 0, output: expect.stringContaining('clean\n') })
  })

  test('stops while it is still starting', async () => {
    const { child, ended, printed } = run('hang-start')
    await printed('starting')
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0 })
  })

  test('ends by itself when a stop hangs', async () => {
    const { child, ready, ended } = run('hang-stop')
    await ready
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({
      code: 1,
      output: expect.stringContaining('stop took too long'),
    })
  })

  test.each([
    ['refuse', 2],
    ['break', 70],
    ['fail-later', 1],
    ['throw-later', 1],
  ])('tells by its exit code what happened: %s is %i', async (behaviour, code) => {
    expect(await run(behaviour).ended).toMatchObject({ code })
  })
})
