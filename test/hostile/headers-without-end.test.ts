/**
 * Node.js before 24.22.3 ended (SIGABRT) when it freed a connection on which a peer had sent more than 64 KiB of headers without an end: one
 * hostile agent ended the coordinator. The executables embed the Node.js that runs this test.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.test('headers without end cost a connection, not the process', async (t) => {
  const client = fileURLToPath(new URL('headers-without-end.mjs', import.meta.url))
  const { status, signal, stderr } = spawnSync(process.execPath, ['--expose-gc', client], { encoding: 'utf8', env: {} })
  t.match({ status, signal }, { status: 0, signal: null }, stderr)
})
