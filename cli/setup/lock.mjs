import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { step } from './progress.mjs'

/** Runs `work` while no other set-up of this folder installs anything. */
export async function withSetupLock(root, work) {
  const file = join(root, 'node_modules', '.tandem-setup.lock')
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  if (!tryTake(file)) {
    await step('waiting for another set-up of this folder', async () => {
      while (!tryTake(file)) await delay(250)
    })
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function tryTake(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  // A lock whose owner was killed is nobody's.
  if (isAbandoned(file)) rmSync(file, { force: true })
  return false
}

function isAbandoned(file) {
  try {
    const owner = readFileSync(file, 'utf8')
    // Empty: its owner is about to write its number, or was killed before it could.
    if (owner === '') return Date.now() - statSync(file).mtimeMs > 5_000
    return !isRunning(Number(owner))
  } catch {
    // Released between the two calls.
    return false
  }
}

function isRunning(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
