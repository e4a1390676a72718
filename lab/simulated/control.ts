import { createConnection, createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'

export type Handler = (params: never) => Promise<unknown>

/** The world's control socket: a JSON line `{id, method, params}` in, `{id, result}` or `{id, error}` out. */
export function serveControl(path: string, handlers: Readonly<Record<string, Handler>>): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    createInterface({ input: socket }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line) as { id: number; method: string; params: never }
      const answer = (body: object): void =>
        void (socket.destroyed || socket.write(`${JSON.stringify({ id, ...body })}\n`))
      const handler = handlers[method]
      if (handler === undefined) return answer({ error: `the laboratory has no ${method}` })
      handler(params).then(
        (result) => answer({ result: result ?? null }),
        (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
      )
    })
  })
  return new Promise((resolve, reject) => server.once('error', reject).listen(path, () => resolve(server)))
}

/** A connection to the control socket. */
export class Control {
  private readonly socket
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  private next = 1

  constructor(path: string) {
    this.socket = createConnection(path)
    createInterface({ input: this.socket }).on('line', (line) => {
      const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string }
      const asked = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) asked?.resolve(result)
      else asked?.reject(new Error(error))
    })
    const gone = (): void => {
      for (const { reject } of this.waiting.values()) reject(new Error('the laboratory is gone'))
      this.waiting.clear()
    }
    this.socket.on('error', gone).on('close', gone)
  }

  ask<T>(method: string, params: unknown = {}): Promise<T> {
    const id = this.next++
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.socket.write(`${JSON.stringify({ id, method, params })}\n`)
    })
  }

  close(): void {
    this.socket.destroy()
  }
}
