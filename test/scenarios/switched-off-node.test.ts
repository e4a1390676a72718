/** A machine that is switched off answers nothing, not even that it refuses: the kernel tries to connect for two minutes. No command waits for that. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CoordinatorProcess } from '../support/coordinator-process.js'
import { clusterForTest } from '../support/simulated-cluster.js'

/**
 * A port of loopback that answers nothing: its process is stopped, and the kernel's queue of connections to be accepted is full. The last connection
 * is one that the kernel is making, and will give up.
 */
async function silentPort(t: Test): Promise<{ readonly port: number; readonly givenUp: Promise<string> }> {
  const program =
    "const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))"
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(said)
  child.kill('SIGSTOP')
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    sockets.push(socket)
    const ended = once(socket, 'error').then(() => 'the kernel gave up')
    const connected = once(socket, 'connect').then(() => true)
    const waited = new Promise<false>((resolve) => setTimeout(resolve, 1_000, false))
    if (!(await Promise.race([connected, waited]))) return { port, givenUp: ended }
  }
}

t.test('a command ends when it has said all, and a server when it is told to', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const { port, givenUp } = await silentPort(t)
  const bundle = join(cluster.operatorFolder, 'silent')
  await cluster.quorate(['enroll', 'silent.example.com', '--address', `127.0.0.1:${port}`, '--bundle', bundle])

  const nodes = cluster.quorate(['nodes'])
  t.not(await Promise.race([givenUp, nodes.then(() => 'the command ended')]), 'the kernel gave up')
  const { exitCode, stdout } = await nodes
  t.equal(exitCode, 3, stdout)
  t.match(stdout, /silent\.example\.com.*no/)
  t.match(stdout, /next: .*\n$/, 'its last line is there')

  const socket = join(cluster.operatorFolder, 'rest.sock')
  const serving = new CoordinatorProcess(cluster, ['serve', '--listen', `unix:${socket}`])
  await serving.said(/Serving/)
  const token = readFileSync(join(cluster.stateFolder, 'rest/token'), 'utf8').trim()
  const asking = ['-s', '--unix-socket', socket, '-H', `Authorization: Bearer ${token}`, 'http://localhost/v1/nodes']
  const [status] = await once(spawn('curl', asking, { stdio: 'ignore' }), 'exit')
  t.equal(status, 0)
  serving.kill('SIGTERM')
  t.not(await Promise.race([givenUp, serving.ended.then(() => 'the server ended')]), 'the kernel gave up')
  t.equal((await serving.ended).exitCode, 0)
})
