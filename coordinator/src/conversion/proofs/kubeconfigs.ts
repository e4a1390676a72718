import type { NodeEntry } from '../../config/cluster-file.js'
import { againstPolicy, type Steered } from '../rewrite.js'
import type { ConversionRun } from '../run.js'
import { endpointServer, kubeconfigsOf } from '../wanted.js'
import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'kubeconfigs'
const steered: readonly Steered[] = ['kubelet', 'controller-manager', 'scheduler']

export const kubeconfigs: Proof = {
  id,
  title: 'The kubeconfigs of every node point where the policy says',
  async prove(run) {
    const seen = await Promise.all([
      ...run.controlPlanes.map((node) => ofControlPlane(run, node)),
      ...run.workers.map((node) => ofWorker(run, node)),
    ])
    return resultOf(seen.flat())
  },
}

async function ofControlPlane(run: ConversionRun, node: NodeEntry): Promise<readonly Seen[]> {
  const against = (await Promise.all(steered.map((component) => againstPolicy(run, node, component)))).filter(
    (one) => one !== undefined,
  )
  const facts = await run.nodeFacts(node)
  const admins = kubeconfigsOf(facts, ['admin', 'super-admin']).filter(({ server }) => server !== endpointServer(run))
  const wrong = [...against, ...admins.map((file) => ({ file, server: endpointServer(run) }))]
  const missing = steered.filter((component) => kubeconfigsOf(facts, [component]).length === 0)
  if (wrong.length === 0 && missing.length === 0)
    return [{ what: `kubeconfigs of ${node.name}`, saw: 'as the policy says' }]
  return [
    ...wrong.map(({ file, server }) =>
      finding(node, `${file.path} does not point at ${server}`, `server: ${file.server}`),
    ),
    ...missing.map((component) =>
      finding(node, `it has no kubeconfig for ${component}: it is no control plane yet`, 'absent'),
    ),
  ]
}

async function ofWorker(run: ConversionRun, node: NodeEntry): Promise<readonly Seen[]> {
  const [file] = kubeconfigsOf(await run.nodeFacts(node), ['kubelet'])
  if (file?.server === endpointServer(run)) return [{ what: `${node.name}:${file.path}`, saw: file.server }]
  return [
    finding(node, "its kubelet's kubeconfig does not name the endpoint", `server: ${file?.server ?? 'no kubeconfig'}`),
  ]
}

const finding = (node: NodeEntry, message: string, evidence: string): Seen =>
  notProved(id, {
    node: node.name,
    message,
    evidence,
    remedy: 'Run `quorate plan`: it shows the change and what is restarted.',
  })
