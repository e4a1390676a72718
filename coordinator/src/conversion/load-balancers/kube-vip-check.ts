import { kubeVipLease, kubeVipManifestPath } from '@quorate/shared/kube-vip-manifest'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

const id = 'load-balancer'
const error = { id, severity: 'error' } as const

/** What kube-vip needs before it is started: the API server's own port, a CA to sign with, its image, an interface, and a Lease that nobody else holds. */
export async function checkKubeVip(run: ConversionRun, image: string): Promise<readonly Finding[]> {
  const ofNodes = await Promise.all(run.controlPlanes.map((node) => ofNode(run, node, image)))
  return [...(await ofPort(run)), ...(await ofLease(run)), ...ofNodes.flat()]
}

/** Nothing listens at the virtual IP but the API server of whoever has it. */
async function ofPort(run: ConversionRun): Promise<readonly Finding[]> {
  const port = apiServerPort(await run.nodeFacts(run.first))
  if (run.endpoint.port === port) return []
  return [
    {
      ...error,
      message: 'with kube-vip the virtual IP leads to an API server itself: the endpoint must have its port',
      evidence: `endpoint on port ${run.endpoint.port}, the API server on ${port}`,
      remedy: `Write in the cluster file: endpoint: ${run.endpoint.host}:${port}`,
    },
  ]
}

/** Two that want one Lease are one kube-vip too many (kube-vip#665). */
async function ofLease(run: ConversionRun): Promise<readonly Finding[]> {
  const { leases } = await run.clusterFacts()
  const held = leases.find(({ namespace, name }) => namespace === 'kube-system' && name === kubeVipLease)
  if (held === undefined || held.holder === '') return []
  const facts = await Promise.all(run.controlPlanes.map((node) => run.nodeFacts(node)))
  if (facts.some(({ loadBalancerConfigs }) => loadBalancerConfigs[kubeVipManifestPath] !== undefined)) return []
  return [
    {
      ...error,
      message: 'a kube-vip that is not Quorate’s holds the Lease of the control plane’s address already',
      evidence: `lease kube-system/${kubeVipLease}, held by ${held.holder}`,
      remedy: `Use loadBalancer.kind: external with the address that it holds; or where nothing needs it any more, remove it and: kubectl -n kube-system delete lease ${kubeVipLease}`,
    },
  ]
}

async function ofNode(run: ConversionRun, node: NodeEntry, image: string): Promise<readonly Finding[]> {
  const [facts, { images }] = await Promise.all([run.nodeFacts(node), run.agent(node).read('listImages', {})])
  const where = { id, node: node.name }
  const hasInterface = facts.interfaces.some(({ addresses }) =>
    addresses.some((one) => one.startsWith(`${node.address}/`)),
  )
  const signs = node !== run.first || facts.caKeyPresent
  return [
    ...(hasInterface
      ? []
      : [
          {
            ...where,
            severity: 'error' as const,
            message: `no interface of this node has the address ${node.address}: kube-vip would not know where to announce`,
            evidence: facts.interfaces.map(({ name, addresses }) => `${name} ${addresses.join(' ')}`).join(', '),
            remedy: "Correct this node's address in the cluster file.",
          },
        ]),
    ...(signs
      ? []
      : [
          {
            ...where,
            severity: 'error' as const,
            message: "kube-vip's own kubeconfig is signed on this node, and the key of the cluster's CA is not there",
            evidence: `${pkiPath(facts, 'ca.key')}: no such file`,
            remedy: 'Use haproxy, which needs no credentials, or put ca.key there for the time of the conversion.',
          },
        ]),
    ...(images.includes(image)
      ? []
      : [
          {
            ...where,
            severity: 'info' as const,
            message: `the image of kube-vip is not on this node: it is pulled before anything depends on it`,
            evidence: image,
            remedy: `Where this node reaches no registry: ctr -n k8s.io images import FILE, or name an image that it has as loadBalancer.image.`,
          },
        ]),
  ]
}
