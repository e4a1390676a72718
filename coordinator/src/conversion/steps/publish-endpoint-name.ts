import { unifiedDiff } from '@quorate/shared/diff'
import { withHostsBlock } from '@quorate/shared/hosts-file'
import { holds, notYet, until } from '@quorate/shared/until'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { patience } from '../facts/patience.js'
import { endpointAnswers } from '../proofs/endpoint-answers.js'
import { endpointName } from '../proofs/endpoint-name.js'

const path = '/etc/hosts'

export const publishEndpointName = defineStep({
  id: 'publish-endpoint-name',
  title: "Publish the endpoint's name on every node",
  documented: 'DNS CNAME',
  gate: 'Every node resolves the name to the same address through its own resolver, not through cluster DNS.',
  undo: 'The block in /etc/hosts is removed, or its old content is restored.',
  width: 20,
  fixes: [endpointName, endpointAnswers],
  foreseen: [{ asks: 'the same address on every node', checks: ['endpoint-resolves'] }],
  async plan(run) {
    const address = run.loadBalancer.hostsAddress()
    // Where DNS publishes it, the checks verify on every node that it resolves, before anything is changed.
    if (address === undefined) return []
    const actions = await Promise.all(
      run.nodes.map(async ({ name }) => {
        const before = (await run.nodeFacts(name)).hostsFile
        const after = withHostsBlock(before, run.endpoint.host, address)
        if (after === before) return []
        return [
          {
            id: name,
            node: name,
            does: `write ${run.endpoint.host} as ${address} into ${path}`,
            diffs: [{ name: `${name}:${path}`, text: unifiedDiff(path, before, after) }],
          },
        ]
      }),
    )
    return actions.flat()
  },
  async apply(run, action, call) {
    const address = run.loadBalancer.hostsAddress() ?? ''
    await run.agent(action.node).change('writeHostsBlock', { name: run.endpoint.host, address }, call, 'write')
  },
  async verify(run, action, signal) {
    const { host } = run.endpoint
    const wanted = run.loadBalancer.hostsAddress()
    return until(
      `${host} to resolve to ${wanted} on ${action.node}`,
      async () => {
        const { addresses } = await run.agent(nodeOf(run, action.node)).read('resolveName', { name: host }, { signal })
        const others = addresses.filter((address) => address !== wanted)
        if (addresses.length === 0 || others.length > 0)
          return notYet(`it resolves to ${addresses.join(', ') || 'nothing'}`)
        return holds([{ what: `${host} on ${action.node}`, saw: addresses.join(', ') }])
      },
      patience(signal, 30),
    )
  },
  async rollback(run, done, call) {
    await run.agent(done.action.node).change('removeHostsBlock', {}, call, 'remove')
  },
})
