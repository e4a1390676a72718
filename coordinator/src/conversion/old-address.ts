import type { NodeFacts, Reference } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../config/cluster-file.js'
import type { Finding } from './checks/check.js'
import { readReferences } from './fresh.js'
import { existingNodes } from './membership.js'
import type { ConversionRun } from './run.js'
import { apiServerPort } from './static-pod-flags.js'
import { localPeer, namesNode } from './wanted.js'

const id = 'scan-for-old-address'

/** Kubeconfigs that may name their own API server: those of the components that live beside it. */
const localPurposes = ['kubelet', 'controller-manager', 'scheduler']

/**
 * All that still names the first control plane where it should name the endpoint: objects in the API, and kubeconfigs of every node but its own
 * local ones. Facts of nodes come from the run, so refresh it before to see the present.
 */
export async function oldAddressFindings(run: ConversionRun): Promise<readonly Finding[]> {
  const first = await run.nodeFacts(run.first)
  const [references, nodes] = await Promise.all([readReferences(run), existingNodes(run)])
  const inFiles = await Promise.all(
    nodes.map(async (node) => kubeconfigFindings(run, { node, facts: await run.nodeFacts(node), first })),
  )
  const inObjects = references.filter((reference) => isStale(run, reference, first)).map(referenceFinding)
  return [...inObjects, ...inFiles.flat()]
}

function kubeconfigFindings(
  run: ConversionRun,
  { node, facts, first }: { node: NodeEntry; facts: NodeFacts; first: NodeFacts },
): readonly Finding[] {
  return facts.kubeconfigs
    .filter(
      (file) =>
        namesNode(file.server, run.first, first) && !(node === run.first && localPurposes.includes(file.purpose)),
    )
    .map((file) => ({
      id,
      severity: 'error',
      node: node.name,
      message: `${file.path} still names the first control plane`,
      evidence: `server: ${file.server}`,
      remedy: `On that node, set the server in ${file.path} to the endpoint: kubectl config --kubeconfig ${file.path} set-cluster NAME --server https://${run.endpoint.host}:${run.endpoint.port}`,
    }))
}

/**
 * Only the API server's address as a place to connect to counts: with its port, or as the host that pods are told to use. Elsewhere (certSANs of
 * kubeadm-config, a list of nodes, a metrics target) the first control plane may well be meant itself.
 */
export function isStale(run: ConversionRun, { where, line }: Reference, first: NodeFacts): boolean {
  if (where.startsWith('configmap/kube-system/kubeadm-config ')) return false
  const hosts = [...new Set([run.first.address, localPeer(run.first, first).address, run.first.name])]
  const port = apiServerPort(first)
  const withPort = hosts.some(
    (host) => boundary(host, `:${port}`).test(line) || boundary(`[${host}]`, `:${port}`).test(line),
  )
  const asHost =
    /KUBERNETES_SERVICE_HOST|k8sServiceHost|k8s-api-server/i.test(`${where} ${line}`) &&
    hosts.some((host) => boundary(host, '').test(line))
  return withPort || asHost
}

/** The text as a whole: 192.168.13.3 is not in 192.168.13.30. */
function boundary(text: string, then: string): RegExp {
  const literal = (text + then).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<![A-Za-z0-9.-])${literal}(?![A-Za-z0-9])(?!\\.[A-Za-z0-9])`)
}

function referenceFinding({ where, line }: Reference): Finding {
  return {
    id,
    severity: 'error',
    message: `${where} still names the first control plane`,
    evidence: line,
    remedy: `Set it to the endpoint (kubectl edit ${where.split(' ')[0]}) and restart what reads it.`,
  }
}
