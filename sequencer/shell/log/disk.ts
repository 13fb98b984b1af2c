import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** An append-only file. */
export type DiskFile = {
  append: (bytes: Uint8Array) => Promise<void>
  /** Everything appended so far survives a crash. */
  sync: () => Promise<void>
  close: () => Promise<void>
}

/** The few things that a log asks of a directory. */
export type Disk = {
  /** Names of the files in it. */
  list: () => Promise<string[]>
  read: (name: string) => Promise<Uint8Array>
  /** Bytes from `offset` on, `length` of them. */
  readAt: (name: string, offset: number, length: number) => Promise<Uint8Array>
  /** Opens a file for appending, cut to `size` bytes; makes it, durably, when it is absent. */
  open: (name: string, size: number) => Promise<DiskFile>
  /**
   * Replaces a small file as a whole. It survives the machine's end only when it is `durable`, and may
   * else be torn by it: what is kept so has a checksum.
   */
  replace: (name: string, bytes: Uint8Array, durable?: boolean) => Promise<void>
  remove: (name: string) => Promise<void>
}

/** A directory of the machine; made with access for its owner alone. */
export async function openDisk(directory: string): Promise<Disk> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return {
    list: () => readdir(directory),
    read: (name) => readFile(join(directory, name)),
    readAt: async (name, offset, length) => {
      const file = await open(join(directory, name), 'r')
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
    open: (name, size) => openFile(directory, name, size),
    replace: async (name, bytes, durable = false) => {
      if (!durable) return replaceInPlace(join(directory, name), bytes)
      const file = await open(join(directory, `${name}.new`), 'w', 0o600)
      try {
        await writeAll(file, bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(join(directory, `${name}.new`), join(directory, name))
      await syncDirectory(directory)
    },
    remove: (name) => rm(join(directory, name), { force: true }),
  }
}

/** Some bytes into the system's memory: that is done sooner than handed to another thread. */
function replaceInPlace(path: string, bytes: Uint8Array): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
  try {
    for (let at = 0; at < bytes.length; at += writeSync(file, bytes, at, bytes.length - at, at));
    if (fstatSync(file).size > bytes.length) ftruncateSync(file, bytes.length)
  } finally {
    closeSync(file)
  }
}

async function openFile(directory: string, name: string, size: number): Promise<DiskFile> {
  const file = await open(join(directory, name), 'a', 0o600)
  const { size: actual } = await file.stat()
  if (actual > size) {
    await file.truncate(size)
    await file.sync()
  }
  if (actual === 0) await syncDirectory(directory)
  return {
    append: async (bytes) => {
      // Into the system's memory; `sync` is what takes time.
      for (let at = 0; at < bytes.length; at += writeSync(file.fd, bytes, at));
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written)
    written += bytesWritten
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
