import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { parseRunId } from '@quorate/shared/names'
import t from 'tap'
import { leaseStore } from '../../../../coordinator/src/engine/lease.js'

const [first, second] = [parseRunId('20261122t221530-000001'), parseRunId('20261122t221531-000002')]

t.test('one run holds a cluster; its number rises with every holder', async (t) => {
  const store = leaseStore(join(t.testdir(), 'leases'))
  const lease = await store.acquire('prod', first)
  t.equal(lease.fencingToken, 1)
  t.match(await store.holder('prod'), { run: first, pid: process.pid, host: hostname() })
  await t.rejects(store.acquire('prod', second), { code: 'CLUSTER_HELD', exitCode: 6, message: new RegExp(first) })
  t.equal((await store.acquire('other', second)).fencingToken, 1, 'another cluster is free')
  await lease.release()
  t.equal(await store.holder('prod'), undefined)
  t.equal((await store.acquire('prod', second)).fencingToken, 2)
})

t.test('without a name, whether any cluster of the folder is held', async (t) => {
  const store = leaseStore(join(t.testdir(), 'leases'))
  t.equal(await store.holder(), undefined, 'no run was here yet')
  const lease = await store.acquire('prod', first)
  await (await store.acquire('other', second)).release()
  t.match(await store.holder(), { run: first })
  await lease.release()
  t.equal(await store.holder(), undefined, 'what raised the number stays')
})

t.test('of many that come at once one gets it', async (t) => {
  const store = leaseStore(join(t.testdir(), 'leases'))
  const tries = await Promise.allSettled(Array.from({ length: 10 }, () => store.acquire('prod', first)))
  t.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
})

t.test('a lease whose process is dead is taken over, with a higher number', async (t) => {
  const folder = join(t.testdir(), 'leases')
  const store = leaseStore(folder)
  await store.acquire('prod', first)
  const path = join(folder, 'prod.json')
  const held = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  for (const change of [{ pid: child.pid }, { processStart: '1' }, { boot: 'another boot' }]) {
    writeFileSync(path, JSON.stringify({ ...held, ...change, nonce: `n${Math.random()}` }))
    t.equal(await store.holder('prod'), undefined, JSON.stringify(change))
  }
  const lease = await store.acquire('prod', second)
  t.equal(lease.fencingToken, 2)
  t.match(await store.holder('prod'), { run: second })
})

t.test('of another machine nobody here can tell, so its lease stands', async (t) => {
  const folder = join(t.testdir(), 'leases')
  const store = leaseStore(folder)
  await store.acquire('prod', first)
  const path = join(folder, 'prod.json')
  const held = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...held, host: 'elsewhere', pid: 1 }))
  await t.rejects(store.acquire('prod', second), { code: 'CLUSTER_HELD', remedy: /elsewhere/ })
  writeFileSync(path, '{half')
  await t.rejects(store.acquire('prod', second), { code: 'CLUSTER_HELD', remedy: /remove this file/ })
})

t.test('releasing does not take away what somebody else holds by now', async (t) => {
  const folder = join(t.testdir(), 'leases')
  const store = leaseStore(folder)
  const lease = await store.acquire('prod', first)
  const path = join(folder, 'prod.json')
  const held = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...held, nonce: 'theirs' }))
  await lease.release()
  t.match(await store.holder('prod'), { nonce: 'theirs' })
})

t.test('a number that is known from elsewhere is exceeded: a journal that was copied here carries one', async (t) => {
  const store = leaseStore(join(t.testdir(), 'leases'))
  const lease = await store.acquire('prod', first, 7)
  t.equal(lease.fencingToken, 8)
  await lease.release()
  t.equal((await store.acquire('prod', first, 3)).fencingToken, 9)
})

t.test('a holder that lost the cluster is told', async (t) => {
  const folder = join(t.testdir(), 'leases')
  const store = leaseStore(folder)
  const paused = await store.acquire('prod', first)
  await paused.requireHeld()
  rmSync(join(folder, 'prod.json'))
  await t.rejects(paused.requireHeld(), { code: 'FENCED', exitCode: 6 })
  await store.acquire('prod', second)
  await t.rejects(paused.requireHeld(), { code: 'FENCED', message: new RegExp(second) })
})
