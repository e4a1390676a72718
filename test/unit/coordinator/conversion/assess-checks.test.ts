import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import { assess, isBlocking } from '@quorate/coordinator/conversion/checks/assess'
import { QuorateError } from '@quorate/shared/errors'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'
import { brokenWorlds } from '../checks/broken-worlds.js'

t.test('a k3s node is one clear finding, and what could not be read is said once', async (t) => {
  const world = soundWorld()
  Object.assign(world.facts[nodeNames.cp1] ?? {}, { otherDistribution: 'k3s', staticPods: [] })
  const run = {
    ...fakeRun(world),
    clusterFacts: () =>
      Promise.reject(new QuorateError('NOT_A_CONTROL_PLANE', 'no admin.conf', { where: nodeNames.cp1 })),
  }
  const { findings } = await assess(run, allChecks)
  t.ok(findings.some(({ id, evidence }) => id === 'not-kubeadm' && evidence === 'k3s'))
  const failed = findings.filter(({ id }) => id === 'check-failed')
  t.equal(failed.length, 1)
  t.match(failed[0], { node: nodeNames.cp1, message: /no admin\.conf/, evidence: /nodes-ready/ })
})

t.test(
  'with all checks together a sound cluster has nothing that blocks, and a silent node does not break them',
  async (t) => {
    const sound = fakeRun(soundWorld())
    t.same(
      (await assess(sound, allChecks)).findings.filter(
        ({ severity, id }) => severity === 'error' && id !== 'clocks' && id !== 'certificate-expiry',
      ),
      [],
    )
    const silence = new QuorateError('AGENT_UNREACHABLE', 'connect ECONNREFUSED', { where: nodeNames.cp3 })
    const nodeFacts: typeof sound.nodeFacts = async (node) => {
      if ((typeof node === 'string' ? node : node.name) === nodeNames.cp3) throw silence
      return sound.nodeFacts(node)
    }
    const { findings, facts } = await assess({ ...sound, nodeFacts }, allChecks)
    t.equal(facts, 'incomplete')
    t.match(findings[0], { id: 'agent-unreachable', node: nodeNames.cp3 })
    t.notOk(findings.some(({ id }) => id === 'check-failed'))
  },
)

t.test('each finding of each check can be ignored by its id, and is told with the reason', async (t) => {
  for (const { check: id, what, breaks } of brokenWorlds) {
    const world = soundWorld()
    breaks(world)
    world.file.policy.ignoreFindings = { [id]: 'known to us' }
    const check = allChecks.find((each) => each.id === id)
    const { findings } = await assess(fakeRun(world), check === undefined ? [] : [check])
    const ours = findings.filter((finding) => finding.id === id)
    t.ok(ours.length > 0 || id === 'clocks' || id === 'certificate-expiry', `${id}: ${what}`)
    t.ok(
      ours.every((finding) => finding.ignoredBecause === 'known to us' && !isBlocking(finding)),
      `${id}: ${what}`,
    )
  }
})

t.test('all checks are under way before the first ends', async (t) => {
  let running = 0
  let most = 0
  const slow = Array.from({ length: 5 }, (_, index) => ({
    id: `slow-${index}`,
    title: 'Slow',
    check: async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running -= 1
      return []
    },
  }))
  await assess(fakeRun(soundWorld()), slow)
  t.equal(most, 5)
})
