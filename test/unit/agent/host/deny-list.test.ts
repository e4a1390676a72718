import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import t from 'tap'
import { DenyList } from '../../../../agent/src/host/deny-list.js'
import { LinuxHost } from '../../../../agent/src/host/linux-host.js'
import { denyListOf } from '../../../support/deny-lists.js'
import { fleetCa, identityOf } from '../../../support/node-identities.js'

const file = 'deny-list.quorate-fleet-tests'
const opened = (root: string, ca = fleetCa.certPem) =>
  DenyList.open({ host: new LinuxHost(root), stateFolder: '/state', ca: () => ca, log: { warn: () => {} } })

/** A process that keeps the lists; resolves when it was killed, after it said that it kept one and was given many more. */
async function killedWhileItKeeps(root: string, documents: readonly string[], lines: number): Promise<number> {
  const program = resolve('test/support/keep-deny-lists.ts')
  const how = [`--import=${resolve('test/support/typescript.mjs')}`, '--conditions=@quorate/source', program]
  const args = [root, fleetCa.certPem].map((arg) => Buffer.from(arg).toString('base64'))
  const child = spawn(process.execPath, [...how, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
    if (said.split('\n').length > lines + 1) child.kill('SIGKILL')
  })
  child.stdin.write(documents.map((document) => `${JSON.stringify(document)}\n`).join(''))
  await once(child, 'close')
  return Number(said.trim().split('\n').at(-1))
}

t.test('a kill -9 while a list is written leaves the old one or the new one, never less than was said', async (t) => {
  const root = t.testdir({ state: {} })
  const certificate = identityOf('cp2').cert
  const documents = Array.from({ length: 400 }, (_, index) => denyListOf(fleetCa, index + 1, certificate))
  let from = 0
  for (const lines of [1, 17, 60]) {
    const said = await killedWhileItKeeps(root, documents.slice(from), lines)
    const { number, document } = await opened(root)
    t.ok(number >= said && number < 400, `${number} is kept, ${said} was said`)
    t.equal(document, documents[number - 1])
    from = number
  }
})

t.test('a damaged list is not taken for none', async (t) => {
  const root = t.testdir({ state: {} })
  const list = await opened(root)
  await list.keep(denyListOf(fleetCa, 4))
  const path = join(root, 'state', file)
  for (const damaged of ['', 'x', readFileSync(path, 'utf8').replace('"number":4', '"number":5')]) {
    writeFileSync(path, damaged)
    await t.rejects(opened(root), { code: 'DENY_LIST_REFUSED', where: `/state/${file}`, remedy: /remove .* restart/ })
  }
  t.equal((await opened(root, createFleetCa('next').certPem)).number, 0, 'that of another fleet is not its own')
})

t.test('a list counts also where the disk cannot keep it, and is written when it comes again', async (t) => {
  const root = t.testdir({ state: '' })
  const list = await opened(root)
  const document = denyListOf(fleetCa, 1, identityOf('cp2').cert)
  await t.rejects(list.keep(document))
  t.equal(list.number, 1)
  t.equal((await opened(root)).number, 0)
  rmSync(join(root, 'state'))
  mkdirSync(join(root, 'state'))
  await list.keep(document)
  t.same(readdirSync(join(root, 'state')), [file])
  t.equal((await opened(root)).number, 1)
})
