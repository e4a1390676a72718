import type { RunEvent } from '@quorate/coordinator/engine/events'
import { foldRun } from '@quorate/coordinator/engine/fold'
import { targetsOf } from '@quorate/coordinator/runs/availability/targets'
import t from 'tap'
import { fakeRun } from '../../../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld } from '../../../../support/paper-cluster/world.js'

const run = fakeRun(soundWorld())
const { cp1, cp2, cp3 } = nodeNames
const first = { address: '192.168.13.30', port: 6443 }
const action = (node: string) => ({ id: node, node, does: 'it', diffs: [] })
const steps = [
  { id: 'start-load-balancer', title: '', actions: [action(cp1)] },
  { id: 'regenerate-apiserver-certificate', title: '', actions: [action(cp1)] },
  { id: 'join-control-planes', title: '', actions: [action(cp2), action(cp3)] },
]
const begun: RunEvent = {
  kind: 'run-started',
  ...{ cluster: 'prod', planHash: '', fencingToken: 1, version: '', clusterFile: '', ignored: {}, steps },
}
const started = (index: number): RunEvent => ({ kind: 'step-started', ...stepOf(index) })
const stepOf = (index: number) => ({ step: steps[index]?.id ?? '', title: '', actions: steps[index]?.actions ?? [] })
const done = (index: number): RunEvent => ({ kind: 'step-done', step: steps[index]?.id ?? '' })
const joined = (node: string): RunEvent => ({
  kind: 'action-verified',
  ...{ step: 'join-control-planes', action: node, node, evidence: [] },
})
const undoing = (step: string, node: string): RunEvent => ({ kind: 'undo-started', step, action: node, node })

const after = (...events: RunEvent[]) =>
  targetsOf(run, foldRun([begun, ...events].map((event, at) => ({ seq: at + 1, at, run: 'r', event }))), first).map(
    ({ name, host, serverName, write }) => `${name} ${host} ${serverName}${write ? ' write' : ''}`,
  )

const here = `${cp1} 192.168.13.30 192.168.13.30`
const writeHere = 'write 192.168.13.30 192.168.13.30 write'

t.test('each server is asked from when its gate held, until it begins to be taken back', async (t) => {
  const [chain, named] = ['192.168.13.100 ', '192.168.13.100 apiserver.example.com']
  t.same(after(), [here, writeHere])
  t.same(after(started(0)), [here, writeHere], 'not before the gate held')
  const balanced = [started(0), done(0)]
  t.same(after(...balanced), [`endpoint ${chain}`, here, `write ${chain} write`], 'the certificate lacks the name')
  const certified = [...balanced, started(1), done(1)]
  t.same(after(...certified), [`endpoint ${named}`, here, `write ${named} write`])
  const one = [...certified, started(2), joined(cp2)]
  t.same(after(...one), [`endpoint ${named}`, here, `${cp2} 192.168.13.31 192.168.13.31`, `write ${named} write`])
  const all = [...one, joined(cp3), done(2)]
  t.equal(after(...all).length, 5)
  const back = [...all, undoing('join-control-planes', cp3)]
  t.notOk(after(...back).some((target) => target.startsWith(cp3)))
  const unnamed = [...back, undoing('join-control-planes', cp2), undoing('regenerate-apiserver-certificate', cp1)]
  t.same(after(...unnamed), [`endpoint ${chain}`, here, `write ${chain} write`])
  t.same(after(...unnamed, undoing('start-load-balancer', cp1)), [here, writeHere])
})

t.test('who had joined before the run is asked from its beginning', async (t) => {
  const skipped: RunEvent = { kind: 'step-skipped', step: 'join-control-planes', title: '' }
  t.equal(after(skipped).length, 4)
})
