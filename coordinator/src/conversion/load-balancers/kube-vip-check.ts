import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipLease, kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

const id = 'load-balancer'
const error = { id, severity: 'error' } as const

/** What kube-vip needs before it starts: the API server's own port, a CA key, its image, an interface, and a Lease that nothing else holds. */
export async function checkKubeVip(run: ConversionRun, image: string): Promise<readonly Finding[]> {
  const ofNodes = await Promise.all(run.controlPlanes.map((node) => ofNode(run, node, image)))
  return [...(await ofPort(run)), ...(await ofLease(run)), ...ofNodes.flat()]
}

/** At the virtual IP only the API server of its holder listens. */
async function ofPort(run: ConversionRun): Promise<readonly Finding[]> {
  const port = apiServerPort(await run.nodeFacts(run.first))
  if (run.endpoint.port === port) return []
  return [
    {
      ...error,
      message: 'kube-vip routes the virtual IP to the API server itself: the endpoint must have the same port',
      evidence: `endpoint on port ${run.endpoint.port}, the API server on ${port}`,
      remedy: `Set in the cluster file: endpoint: ${run.endpoint.host}:${port}`,
    },
  ]
}

/** Two kube-vip installations must not compete for one Lease (kube-vip#665). */
async function ofLease(run: ConversionRun): Promise<readonly Finding[]> {
  const { leases } = await run.clusterFacts()
  const held = leases.find(({ namespace, name }) => namespace === 'kube-system' && name === kubeVipLease)
  if (held === undefined || held.holder === '') return []
  const facts = await Promise.all(run.controlPlanes.map((node) => run.nodeFacts(node)))
  if (facts.some(({ loadBalancerConfigs }) => loadBalancerConfigs[kubeVipManifestPath] !== undefined)) return []
  return [
    {
      ...error,
      message: 'another kube-vip already holds the Lease of the control plane address',
      evidence: `lease kube-system/${kubeVipLease}, held by ${held.holder}`,
      remedy: `Use loadBalancer.kind: external with the address that it holds. Or, if nothing needs it, remove it and run: kubectl -n kube-system delete lease ${kubeVipLease}`,
    },
  ]
}

async function ofNode(run: ConversionRun, node: NodeEntry, image: string): Promise<readonly Finding[]> {
  const [facts, { images }] = await Promise.all([run.nodeFacts(node), run.agent(node).read('listImages', {})])
  const signs = node !== run.first || facts.caKeyPresent
  const found = [
    ...(hasInterface(facts, node) ? [] : [noInterface(facts, node)]),
    ...(signs ? [] : [noKey(facts)]),
    ...(images.includes(image) ? [] : [noImage(image)]),
  ]
  return found.map((finding) => ({ id, node: node.name, ...finding }))
}

type OfNode = Omit<Finding, 'id' | 'node'>

const hasInterface = ({ interfaces }: NodeFacts, { address }: NodeEntry): boolean =>
  interfaces.some(({ addresses }) => addresses.some((one) => one.startsWith(`${address}/`)))

const noInterface = ({ interfaces }: NodeFacts, { address }: NodeEntry): OfNode => ({
  severity: 'error',
  message: `no interface of this node has the address ${address}: kube-vip has no interface to announce on`,
  evidence: interfaces.map(({ name, addresses }) => `${name} ${addresses.join(' ')}`).join(', '),
  remedy: "Correct this node's address in the cluster file.",
})

const noKey = (facts: NodeFacts): OfNode => ({
  severity: 'error',
  message: "the key of the cluster's CA is not on this node: kube-vip's kubeconfig cannot be signed",
  evidence: `${pkiPath(facts, 'ca.key')}: no such file`,
  remedy: 'Use haproxy, which needs no credentials, or copy ca.key there for the duration of the conversion.',
})

const noImage = (image: string): OfNode => ({
  severity: 'info',
  message: 'the kube-vip image is not on this node: it is pulled before anything depends on it',
  evidence: image,
  remedy:
    'If this node cannot reach a registry: ctr -n k8s.io images import FILE, or set loadBalancer.image to an image that it has.',
})
