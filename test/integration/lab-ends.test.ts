import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { WorldDescription } from '../../lab/simulated/world-options.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const script = `
const { SimulatedCluster } = await import(${JSON.stringify(`${root}lab/simulated/cluster.ts`)})
const cluster = await SimulatedCluster.start({ controlPlanes: 1, workers: 1 })
await cluster.prepare()
process.stdout.write(JSON.stringify({ ...cluster.world, operatorFolder: cluster.operatorFolder }) + '\\n')
`

const refuses = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })

t.test('a laboratory whose starter is killed leaves no process and no file', async (t) => {
  const starter = spawn(
    process.execPath,
    ['--import=tsx', '--conditions=@quorate/source', '--input-type=module', '-e', script],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const line = await new Promise<string>((resolve) =>
    starter.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  )
  const world = JSON.parse(line) as WorldDescription & { operatorFolder: string }
  const [first] = world.nodes
  t.notOk(await refuses(first?.address ?? '', 6443), 'the API server listens')
  starter.kill('SIGKILL')
  const gone = async (): Promise<boolean> =>
    !existsSync(world.folder) &&
    !existsSync(world.operatorFolder) &&
    !existsSync(first?.path ?? '') &&
    (await refuses(first?.address ?? '', 6443)) &&
    (await refuses(first?.address ?? '', 7445))
  for (let tries = 0; tries < 100 && !(await gone()); tries++) await new Promise((resolve) => setTimeout(resolve, 100))
  t.ok(await gone(), 'files, API server and agent are gone')
})
