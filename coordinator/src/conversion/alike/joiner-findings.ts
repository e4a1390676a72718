import type { Carried } from '@quorate/shared/carried-extras'
import { QuorateError } from '@quorate/shared/errors'
import { isLoopback } from '@quorate/shared/etcd-listen'
import { flagValues } from '@quorate/shared/flags'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeletDifferences } from '@quorate/shared/kubelet-differences'
import type { Finding } from '../context/finding.js'
import type { JoinersWillBe } from '../context/joiners-will-be.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { foldersOf, kubeletConfigPath, movedFolders } from '../facts/cluster-folders.js'
import { ownKubeletConfig, sharedKubeletConfig } from '../facts/component-configs.js'
import { patchedBy } from '../facts/patches.js'
import { joinersWillBe } from './joiners.js'
import { isOfMoved } from './moved-folders.js'
import { controlPlanesAlikeId as id, lineOf, listed, nameOf, shown } from './nodes.js'
import { ownOf } from './own-values.js'
import { remedyOf } from './remedies.js'
import { weightOf } from './weight.js'

/** In what the control planes that are still to join would differ from the first one. */
export async function joinerFindings(run: ConversionRun): Promise<readonly Finding[]> {
  const facts = await run.nodeFacts(run.first)
  const kubelet = await kubeletFindings(run, facts)
  try {
    const will = await joinersWillBe(run)
    if (will === undefined) return kubelet
    const configuration = await clusterConfiguration(run)
    const moved = configuration === undefined ? [] : movedFolders(configuration, facts)
    const differences = will.differences.filter(
      (one) => !isJudgedElsewhere(one, facts) && !isOfMoved(one.difference, moved),
    )
    return [...differences.map((one) => podFinding(run, { one, facts, will })), ...kubelet]
  } catch (thrown) {
    if (!(thrown instanceof QuorateError) || thrown.code !== 'COMMAND_FAILED') throw thrown
    return [notRendered(run, facts, thrown.message), ...kubelet]
  }
}

interface Seen {
  readonly one: Carried
  readonly facts: NodeFacts
  readonly will: JoinersWillBe
}

function podFinding(run: ConversionRun, { one, facts, will }: Seen): Finding {
  const { difference } = one
  const here = { node: run.first, facts }
  const { manifests } = foldersOf(facts)
  const file = `${manifests}/${difference.component}.yaml`
  return {
    id,
    severity: isOfExternalCa(one, facts) ? 'warning' : weightOf(difference),
    node: run.first.name,
    message: `${nameOf(difference)} is ${listed(difference.one)} here; kubeadm would give the joiners ${listed(difference.other)}`,
    evidence: `${file}${lineOf(here, difference)}: ${shown(difference, difference.one)}; kubeadm would write: ${shown(difference, difference.other)}`,
    remedy: remedyOf(one, { apiVersion: will.apiVersion, rendered: will.pods, manifests }),
  }
}

const etcdUrls = new Set([
  'listen-client-urls',
  'listen-peer-urls',
  'advertise-client-urls',
  'initial-advertise-peer-urls',
])

/** An etcd that listens for its own node alone is the affair of `etcd-addresses`, which says what becomes of it. */
function isJudgedElsewhere({ difference: { component, name } }: Carried, { staticPods }: NodeFacts): boolean {
  if (component !== 'etcd' || !etcdUrls.has(name)) return false
  const command = staticPods.find((pod) => pod.component === 'etcd')?.command ?? []
  const listens = ['listen-client-urls', 'listen-peer-urls'].flatMap((flag) => flagValues(command, flag))
  return listens.some((urls) => urls.split(',').every(isLoopback))
}

/** Its key was taken away after the manifest was made: each new manifest has nothing to sign with, which is how kubeadm means it. */
const isOfExternalCa = ({ difference: { component, name } }: Carried, { externalCas }: NodeFacts): boolean =>
  component === 'kube-controller-manager' &&
  /^cluster-signing-(cert|key)-file$/.test(name) &&
  externalCas.some((ca) => ca.name === 'ca')

/** kubeadm looks at more than manifests before it writes one: with a CA whose key is elsewhere at every certificate and kubeconfig. */
const notRendered = (run: ConversionRun, { externalCas }: NodeFacts, why: string): Finding => ({
  id,
  severity: externalCas.length > 0 ? 'warning' : 'error',
  node: run.first.name,
  message:
    'kubeadm does not return the manifests that it would write for the joiners, so Quorate cannot compare them with the running ones',
  evidence: why,
  remedy:
    'kubectl -n kube-system get configmap kubeadm-config -o jsonpath={.data.ClusterConfiguration} > /tmp/c.yaml; kubeadm config validate --config /tmp/c.yaml shows the error. Then correct it: kubectl -n kube-system edit configmap kubeadm-config.',
})

/** A joiner's kubelet gets what kubelet-config says; patches for it are seen when they are applied, by the gate of the join. */
async function kubeletFindings(run: ConversionRun, facts: NodeFacts): Promise<readonly Finding[]> {
  const [shared, here] = [sharedKubeletConfig(await run.clusterFacts()), ownKubeletConfig(facts)]
  if (shared === undefined || here === undefined || patchedBy(facts).has('kubeletconfiguration')) return []
  const own = ownOf(run, run.first, facts)
  return kubeletDifferences({ value: here.value, own }, { value: shared.value, own: { names: [], addresses: [] } }).map(
    ({ path, one = 'absent', other = 'absent' }) => ({
      id,
      severity: 'error',
      node: run.first.name,
      message: `${path} of the kubelet is ${one} here; kubeadm would give the joiners ${other}`,
      evidence: `${kubeletConfigPath(facts)}: ${path}: ${one}; configmap/kube-system/kubelet-config: ${other}`,
      remedy: `kubectl -n kube-system edit configmap kubelet-config, and let ${path} be ${one}. Or let it be ${other} in ${kubeletConfigPath(facts)} of ${run.first.name}, and there: systemctl restart kubelet.`,
    }),
  )
}
