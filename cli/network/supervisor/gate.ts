import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * Owner of a public port that leads to a private one while it is open.
 *
 * Nobody reaches what is behind it before it is set right, and nobody waits for it once it is gone.
 */
export class Gate {
  private readonly port: number
  private readonly inner: number
  private readonly sockets = new Set<Socket>()
  private server: Server | undefined

  /**
   * @param port - Where clients connect.
   * @param inner - Where their bytes go.
   */
  constructor(port: number, inner: number) {
    this.port = port
    this.inner = inner
  }

  /** Opens it; settles when clients can connect. */
  async open(): Promise<void> {
    const server = createServer((outside) => this.join(outside))
    this.server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: this.port, host: '127.0.0.1' }, resolve)
    })
  }

  /** Closes it and every connection through it. */
  close(): void {
    this.server?.close()
    this.server = undefined
    for (const socket of this.sockets) socket.destroy()
  }

  private join(outside: Socket): void {
    const inside = connect({ port: this.inner, host: '127.0.0.1', noDelay: true })
    outside.setNoDelay(true)
    for (const [socket, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      this.sockets.add(socket)
      socket.pipe(other)
      // Whichever side breaks or ends, the other one has nobody to talk to.
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
