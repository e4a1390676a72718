import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { commands } from '@quorate/agent/host/commands'
import { unitName } from '@quorate/agent/host/transient-unit'
import { changeOperation } from '@quorate/agent/ops/context/operation'
import { runUnitCommand } from '@quorate/agent/ops/context/run-unit'
import type { Operations } from '@quorate/agent/ops/operations'
import type { NodeAgentServiceClient, OperationEvidence } from '@quorate/shared/gen/quorate/v1/node_agent'
import t, { type Test } from 'tap'
import { FaultyDisk } from '../../../support/faulty-disk.js'
import { installPrograms } from '../../../support/systemd-programs.js'
import { asked, clientOf, restart, resultWith, startToyAgent } from './toy-agent.js'

const ledgerIn = (root: string): string => join(root, 'var/lib/quorate-agent/ledger.jsonl')

const examined = (client: NodeAgentServiceClient, operationId: string) =>
  new Promise<OperationEvidence | undefined>((resolve, reject) =>
    client.examineOperation({ operationId }, (error, { evidence } = { evidence: undefined }) =>
      error ? reject(error) : resolve(evidence),
    ),
  )

function counting(work: () => void = () => {}) {
  const seen = { runs: 0 }
  const restartKubelet: Operations['restartKubelet'] = changeOperation(
    async () => {
      seen.runs++
      work()
      return resultWith(`run ${seen.runs}`)
    },
    { evidence: async () => ({ done: seen.runs > 0 ? 'yes' : 'no', runs: String(seen.runs) }) },
  )
  return { operations: { restartKubelet }, seen }
}

t.test('the intent is on the disk before the operation begins, its end before the answer', async (t) => {
  const root = t.testdir()
  const disk = new FaultyDisk()
  let whileItRan: string | undefined
  const { operations } = counting(() => {
    whileItRan = disk.afterPowerCut(ledgerIn(root))
  })
  const { port } = await startToyAgent(t, root, operations, { disk })
  const client = clientOf(t, port)
  t.match(await asked(client, restart('op-1', { fencingToken: 5 })), { result: { summary: 'run 1' } })
  t.match(whileItRan, /"kind":"fence".*"token":5/, 'a power cut while it ran would not forget who holds the cluster')
  t.match(whileItRan, /"kind":"intent","id":"op-1"/, 'nor that it was begun')
  t.match(disk.afterPowerCut(ledgerIn(root)), /"kind":"result","id":"op-1"/, 'nor, once answered, that it was done')
})

t.test('a power cut in the middle of an operation: it is not run again, and what is true can be asked', async (t) => {
  const [root, after] = [t.testdir({ before: {}, after: {} }), join(t.testdirName, 'after')]
  const disk = new FaultyDisk()
  const { operations, seen } = counting(() => {
    mkdirSync(dirname(ledgerIn(after)), { recursive: true })
    writeFileSync(ledgerIn(after), disk.afterPowerCut(ledgerIn(join(root, 'before'))) ?? '')
  })
  const first = await startToyAgent(t, join(root, 'before'), operations, { disk })
  await asked(clientOf(t, first.port), restart('op-1'))
  await first.stop()
  const second = await startToyAgent(t, after, operations)
  const client = clientOf(t, second.port)
  t.match(await asked(client, restart('op-1')), { error: { code: 'OPERATION_UNKNOWN_OUTCOME' } })
  t.equal(seen.runs, 1)
  t.match(await examined(client, 'op-1'), {
    state: 'interrupted',
    method: 'restartKubelet',
    unitState: 'not-found',
    facts: { done: 'yes', runs: '1', run: '20261122t221530-ab12cd' },
  })
  t.match(await examined(client, 'op-9'), { state: 'unknown', method: '', unitState: 'not-found', facts: {} })
})

for (const [call, code, remedy] of [
  ['write', 'ENOSPC', /df -h/],
  ['sync', 'EIO', /dmesg/],
  ['write', 'EROFS', /read-only/],
] as const) {
  t.test(`${code}: an intent that cannot be written begins nothing`, async (t) => {
    const disk = new FaultyDisk()
    const { operations, seen } = counting()
    const { port } = await startToyAgent(t, t.testdir(), operations, { disk })
    const client = clientOf(t, port)
    await asked(client, restart('op-1'))
    disk.fail(call, code, /ledger/)
    t.match(await asked(client, restart('op-2')), {
      error: { code: 'SYSTEM_REFUSED', message: new RegExp(`restartKubelet was not started: ${code}`), remedy },
    })
    t.equal(seen.runs, 1)
    t.match(await examined(client, 'op-2'), { state: 'unknown' })
    disk.heal()
    t.match(await asked(client, restart('op-2')), { result: { summary: 'run 2' } }, 'it may be asked for again')
  })
}

t.test('a fence that cannot be written lets nothing pass', async (t) => {
  const disk = new FaultyDisk()
  const { operations, seen } = counting()
  const { port } = await startToyAgent(t, t.testdir(), operations, { disk })
  disk.fail('sync', 'EIO', /ledger/)
  t.match(await asked(clientOf(t, port), restart('op-1')), { error: { code: 'SYSTEM_REFUSED' } })
  t.equal(seen.runs, 0)
})

t.test('an end that cannot be written is no success: told as unknown, written when there is room', async (t) => {
  const root = t.testdir()
  const disk = new FaultyDisk()
  const { operations, seen } = counting(() => disk.fail('write', 'ENOSPC', /ledger/))
  const first = await startToyAgent(t, root, operations, { disk })
  const client = clientOf(t, first.port)
  const unknown = { error: { code: 'OPERATION_UNKNOWN_OUTCOME', message: /ENOSPC/, remedy: /df -h/ } }
  t.match(await asked(client, restart('op-1')), unknown)
  t.match(await examined(client, 'op-1'), { state: 'interrupted', facts: { done: 'yes' } })
  t.match(await asked(client, restart('op-1')), unknown, 'still full')
  disk.heal()
  t.match(await asked(client, restart('op-1')), { result: { summary: 'run 1' } })
  t.equal(seen.runs, 1)
  await first.stop()
  const second = await startToyAgent(t, root, operations)
  t.match(await asked(clientOf(t, second.port), restart('op-1')), { result: { summary: 'run 1' } })
})

/** A kubelet restart that is carried by its unit; the agent that began it is lost before it saw the end. */
function carried(lost: { signal: Promise<never> | undefined }) {
  const run: Operations['restartKubelet']['run'] = async (_, context) => {
    await runUnitCommand(context, 'kubelet', commands.restartKubelet())
    await lost.signal
    return resultWith('restarted')
  }
  return { restartKubelet: changeOperation(run, { carrier: { label: 'kubelet', resume: run } }) }
}

function machine(t: Test) {
  const root = t.testdir()
  const path = process.env['PATH']
  // `systemctl restart kubelet` inside the unit; all else of systemctl is the stand-in's.
  installPrograms(join(root, 'bin'), {})
  t.teardown(() => {
    process.env['PATH'] = path
  })
  const unit = join(root, 'units', `${unitName('op-1', 'kubelet')}.exit`)
  const started = () => readFileSync(join(root, 'ran'), 'utf8').trim().split('\n').length
  return { root, unit, started }
}

t.test(
  'an agent that comes back follows the unit of its lost operation, unasked, and writes its end down',
  async (t) => {
    const { root, unit, started } = machine(t)
    const never = new Promise<never>(() => {})
    const first = await startToyAgent(t, root, carried({ signal: never }))
    void asked(clientOf(t, first.port), restart('op-1'))
    while (!existsSync(unit)) await new Promise((resolve) => setTimeout(resolve, 10))
    await first.stop(0)
    const second = await startToyAgent(t, root, carried({ signal: undefined }))
    const client = clientOf(t, second.port)
    for (;;) {
      const seen = await examined(client, 'op-1')
      if (seen?.state === 'succeeded') break
      t.equal(seen?.state, 'running', 'never interrupted: it is followed before anybody is served')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    t.match(await asked(client, restart('op-1')), { result: { summary: 'restarted' } })
    t.equal(started(), 1, 'systemd was asked once')
    await second.stop()
    t.notOk(existsSync(unit), 'unloaded when its end was on the disk')
  },
)

t.test('a unit is unloaded only when the end of its operation is on the disk', async (t) => {
  const { root, unit, started } = machine(t)
  const disk = new FaultyDisk()
  const lost = { signal: undefined }
  const operations = carried(lost)
  const first = await startToyAgent(t, root, operations, { disk })
  await asked(clientOf(t, first.port), { ...restart('op-0') })
  const client = clientOf(t, first.port)
  disk.fail('sync', 'EIO', /ledger/)
  t.match(await asked(client, restart('op-1')), { error: { code: 'SYSTEM_REFUSED' } })
  t.notOk(existsSync(unit))
  disk.heal()
  const failing = { ...operations.restartKubelet }
  const run: typeof failing.run = async (request, context) => {
    const result = await failing.run(request, context)
    disk.fail('sync', 'EIO', /ledger/)
    return result
  }
  await first.stop()
  const second = await startToyAgent(t, root, { restartKubelet: { ...failing, run } }, { disk })
  const again = clientOf(t, second.port)
  t.match(await asked(again, restart('op-1')), { error: { code: 'OPERATION_UNKNOWN_OUTCOME' } })
  t.ok(existsSync(unit), 'whoever comes next can still see how it ended')
  t.match(await examined(again, 'op-1'), { state: 'interrupted', unitState: 'succeeded', unitExit: 0 })
  disk.heal()
  await second.stop()
  const third = await startToyAgent(t, root, operations)
  t.match(await asked(clientOf(t, third.port), restart('op-1')), { result: { summary: 'restarted' } })
  t.equal(started(), 2, 'op-0 and op-1, once each')
})

t.test('an agent killed between the end and the unloading leaves no unit for ever', async (t) => {
  const { root, unit } = machine(t)
  const first = await startToyAgent(t, root, carried({ signal: undefined }))
  await asked(clientOf(t, first.port), restart('op-1'))
  await first.stop()
  mkdirSync(dirname(unit), { recursive: true })
  writeFileSync(unit, '0\n')
  await startToyAgent(t, root, carried({ signal: undefined }))
  t.notOk(existsSync(unit))
})
