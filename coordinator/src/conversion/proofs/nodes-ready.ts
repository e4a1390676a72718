import type { NodeObject } from '@quorate/shared/gen/quorate/v1/facts'
import { forgottenWorkers, lineOf } from '../checks/workers-forgotten.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import { neverJoined } from '../facts/membership.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'nodes-ready'

const notYetJoined = (node: string): Finding =>
  notProved(id, {
    node,
    message: 'this machine is not a control plane of the cluster yet',
    evidence: 'no such Node, no static pod on the machine',
    remedy: 'Run `quorate convert -f cluster.yaml`: it joins the control planes of the cluster file.',
  })

/** One that joined after the conversion has its server from cluster-info and is right: it was not checked, so it is only reported. */
const notLookedAt = (node: NodeObject): Finding => ({
  id,
  severity: 'warning',
  node: node.name,
  message: 'this worker is not in the cluster file: the server of its kubelet was not checked',
  evidence: `Node ${node.name}, addresses ${node.internalIps.join(', ')}`,
  remedy: `Add to workers in the cluster file: ${lineOf(node)}, and quorate enroll ${node.name}. By hand, on that node: grep server: /etc/kubernetes/kubelet.conf`,
})

export const nodesReady: Proof = {
  id,
  title: 'Every node is Ready, and every control plane is labelled as one',
  foreseen: [{ asks: 'Nodes that are Ready and labelled', checks: ['nodes-ready'], stays: ['nodes-ready'] }],
  async prove(run) {
    const [{ nodes }, outside] = await Promise.all([run.clusterFacts(), neverJoined(run)])
    const seen = run.nodes.map((node): Seen => {
      if (outside.includes(node)) return notYetJoined(node.name)
      const object = nodes.find((one) => one.name === node.name)
      const isControlPlane = run.controlPlanes.includes(node)
      if (object?.ready === true && object.controlPlane === isControlPlane)
        return { what: `Node ${node.name}`, saw: isControlPlane ? 'Ready, control plane' : 'Ready' }
      const evidence =
        object === undefined
          ? 'no such Node'
          : `${object.ready ? 'Ready' : 'NotReady'}, ${object.controlPlane ? 'labelled' : 'not labelled'} as control plane`
      return notProved(id, {
        node: node.name,
        message: 'its Node is not Ready or has the wrong role',
        evidence,
        remedy: `kubectl describe node ${node.name}`,
      })
    })
    return resultOf([...seen, ...forgottenWorkers(run, nodes).map(notLookedAt)])
  },
}
