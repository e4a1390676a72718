import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import { isUninitialized } from '../facts/node-registration.js'
import type { Check } from './check.js'

const id = 'cloud-provider'

/** With --cloud-provider=external a new Node is tainted until the cloud controller manager has found its machine (KEP-2395). */
export const cloudProvider: Check = {
  id,
  title: 'The external cloud provider recognises every machine of the cluster',
  async check(run) {
    const flags = (await run.nodeFacts(run.first)).kubeletFlags
    const { nodes } = await run.clusterFacts()
    const stuck = nodes
      .filter(({ taints }) => taints.some(isUninitialized))
      .map(({ name, taints }) => unknown(name, taints))
    const external = flags.find(({ name, value }) => name === 'cloud-provider' && value === 'external')
    const joining = await toJoin(run)
    return external === undefined || joining.length === 0 || stuck.length > 0
      ? stuck
      : [awaited(joining, external.where)]
  },
}

const logs =
  'kubectl -n kube-system get pods -o wide | grep cloud-controller-manager, then kubectl -n kube-system logs of that pod'

const unknown = (name: string, taints: readonly string[]): Finding => ({
  id,
  severity: 'error',
  node: name,
  message: 'the cloud controller manager does not recognise its machine: joiners would wait for it forever',
  evidence: `Node ${name} spec.taints: ${taints.join(', ')}`,
  remedy: `Find out why: ${logs}.`,
})

const awaited = (joining: readonly { name: string }[], where: string): Finding => ({
  id,
  severity: 'info',
  message: `each new Node keeps the taint node.cloudprovider.kubernetes.io/uninitialized until the cloud controller manager recognises its machine: the run waits for ${joining.map(({ name }) => name).join(', ')}, each by name`,
  evidence: `${where}: --cloud-provider=external`,
  remedy: `Nothing to do, if the machines are of the same cloud, with the names that it knows. Else ${logs}.`,
})
