import { createServer, type AddressInfo } from 'node:net'

/** Gives a port of the loopback address that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = await listenOn(0)
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

/** Says whether nobody listens on a port of the loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    const server = await listenOn(port)
    await new Promise<void>((resolve) => server.close(() => resolve()))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}

function listenOn(port: number) {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
  })
}
