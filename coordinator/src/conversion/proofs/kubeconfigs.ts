import type { NodeEntry } from '../../config/cluster-file.js'
import { againstPolicy, type Steered } from '../clients/rewrite-kubeconfigs.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'
import { endpointServer, isLocalServer, kubeconfigsOf } from '../endpoint/servers.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'kubeconfigs'
const steered: readonly Steered[] = ['kubelet', 'controller-manager', 'scheduler']

export const kubeconfigs: Proof = {
  id,
  title: 'The kubeconfigs of every node point at the server that the policy sets',
  foreseen: [{ asks: 'the endpoint in each', checks: ['kubeconfigs'] }],
  async prove(run) {
    const seen = await Promise.all([
      ...run.controlPlanes.map((node) => ofControlPlane(run, node)),
      ...run.workers.map((node) => ofWorker(run, node)),
    ])
    return resultOf(seen.flat())
  },
}

async function ofControlPlane(run: ConversionRun, node: NodeEntry): Promise<readonly Seen[]> {
  const facts = await run.nodeFacts(node)
  const ofComponents = await Promise.all(steered.map((component) => ofComponent(run, node, component)))
  const admins = kubeconfigsOf(facts, ['admin', 'super-admin']).filter(({ server }) => server !== endpointServer(run))
  const wrong = [
    ...ofComponents.flat(),
    ...admins.map((file) =>
      finding(node, `${file.path} does not point at ${endpointServer(run)}`, `server: ${file.server}`),
    ),
  ]
  return wrong.length === 0 ? [{ what: `kubeconfigs of ${node.name}`, saw: 'as the policy says' }] : wrong
}

/**
 * Its own API server or the endpoint: with either the cluster survives the loss of a control plane, so if the policy sets neither
 * (`auto`), the other is no more than a warning. A cluster that kubeadm made with an endpoint has what its release wrote.
 */
async function ofComponent(run: ConversionRun, node: NodeEntry, component: Steered): Promise<readonly Seen[]> {
  const facts = await run.nodeFacts(node)
  if (kubeconfigsOf(facts, [component]).length === 0)
    return [finding(node, `it has no kubeconfig for ${component}: it is not a control plane yet`, 'absent')]
  const against = await againstPolicy(run, node, component)
  if (against === undefined) return []
  const { file, server } = against
  const message = `${file.path} does not point at ${server}`
  const found = finding(node, message, `server: ${file.server}`)
  const isEither = file.server === endpointServer(run) || isLocalServer(file.server, node, facts)
  if (!isEither || run.file.policy.controlPlaneKubeconfigs !== 'auto') return [found]
  return [{ ...found, severity: 'warning', message: `${message}, which suits its release better` }]
}

async function ofWorker(run: ConversionRun, node: NodeEntry): Promise<readonly Seen[]> {
  const [file] = kubeconfigsOf(await run.nodeFacts(node), ['kubelet'])
  if (file?.server === endpointServer(run)) return [{ what: `${node.name}:${file.path}`, saw: file.server }]
  return [
    finding(node, "its kubelet's kubeconfig does not name the endpoint", `server: ${file?.server ?? 'no kubeconfig'}`),
  ]
}

const finding = (node: NodeEntry, message: string, evidence: string): Finding =>
  notProved(id, {
    node: node.name,
    message,
    evidence,
    remedy: 'Run `quorate plan`: it shows the change and what is restarted.',
  })
