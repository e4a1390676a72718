import { containerRuntime } from '@quorate/coordinator/conversion/checks/container-runtime'
import { QuorateError } from '@quorate/shared/errors'
import t from 'tap'
import { printable } from '../../../../coordinator/src/cli/render/style.js'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'

const { cp3 } = nodeNames

/** What the check finds where listing images ends with this error. */
async function found(error: QuorateError) {
  const world = soundWorld()
  Object.assign(world.facts[cp3] ?? {}, { containerRuntime: '' })
  const run = fakeRun(world)
  const agent: typeof run.agent = (node) => ({
    ...run.agent(node),
    read: async (method, request, options) => {
      if (method === 'listImages') throw error
      return run.agent(node).read(method, request, options)
    },
  })
  const [finding] = await containerRuntime.check({ ...run, agent })
  return finding
}

t.test('what a container runtime answers instead of a version is told, and steers no terminal', async (t) => {
  const said = 'listing images: tags of images: 9 characters that are no name: "\u001b[2J\u009b31mx"'
  const finding = await found(new QuorateError('CONTAINER_RUNTIME_REFUSED', said, { where: cp3 }))
  t.match(finding, {
    severity: 'error',
    node: cp3,
    evidence: /containerd\.sock: listing images: tags of images: 9 char/,
  })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  t.notMatch(printable(finding?.evidence ?? ''), /[\u001b\u009b]/)
})

t.test('where its agent does not answer in time either, nothing is claimed about the runtime', async (t) => {
  const finding = await found(new QuorateError('AGENT_UNREACHABLE', 'no answer in time', { where: cp3 }))
  t.match(finding, { evidence: /containerd\.sock: no answer to runtime\.v1 Version$/ })
})
