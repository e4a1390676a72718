import { versionsAsPlanned } from '@quorate/coordinator/conversion/joining/joiner-gates'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'

const { cp1, cp2 } = nodeNames

/** A run that was planned on a sound world, in which programs of a node were upgraded since. */
function upgradedSince(node: string, change: Partial<NodeFacts>, reasons: Record<string, string> = {}) {
  const planned = soundWorld()
  Object.assign(planned.file.policy.ignoreFindings, reasons)
  const now = soundWorld()
  Object.assign(now.facts[node] ?? {}, change)
  const [run, later] = [fakeRun(planned), fakeRun(now)]
  const joiner = run.joining[0]
  if (joiner === undefined) throw new Error('no joiner')
  return versionsAsPlanned({ ...run, agent: later.agent }, joiner, new AbortController().signal)
}

t.test('nothing was upgraded', async (t) => {
  t.match(await upgradedSince(cp1, {}), { saw: 'v1.37.2, as planned' })
})

const upgrades: readonly (readonly [string, Partial<NodeFacts>])[] = [
  [cp2, { kubeletVersion: 'v1.37.3' }],
  [cp2, { kubeadmVersion: 'v1.37.3' }],
  [cp2, { kubeadmVersion: 'v1.38.0', kubeletVersion: 'v1.38.0' }],
  [cp1, { kubeletVersion: 'v1.37.3' }],
  [cp1, { kubeadmVersion: 'v1.37.3' }],
]
for (const [node, change] of upgrades)
  t.test(`${Object.keys(change)} of ${node}`, async (t) => {
    const [version] = Object.values(change)
    await t.rejects(upgradedSince(node, change), {
      code: 'DRIFT',
      where: node,
      message: new RegExp(`on ${node} is ${version}; the plan has v1\\.37\\.2`),
      remedy: /apt-mark hold kubeadm kubelet kubectl.*install version 1\.37\.2 again, then run: quorate resume plan$/,
    })
  })

t.test('a program that does not answer says nothing, and what the operator accepted stays accepted', async (t) => {
  await t.resolves(upgradedSince(cp2, { kubeletVersion: '' }))
  const accepted = { 'kubernetes-versions': 'the same patches' }
  await t.rejects(upgradedSince(cp2, { kubeletVersion: 'v1.37.3' }, accepted), { code: 'DRIFT' })
})
