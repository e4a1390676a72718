import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'nodes-ready'

export const nodesReady: Proof = {
  id,
  title: 'Every node is Ready, every control plane labelled as one',
  async prove(run) {
    const { nodes } = await run.clusterFacts()
    const seen = run.nodes.map((node): Seen => {
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
        message: 'its Node is not as it should be',
        evidence,
        remedy: `kubectl describe node ${node.name}`,
      })
    })
    return resultOf(seen)
  },
}
