import { carriedExtras, mergedExtras } from '@quorate/shared/carried-extras'
import { readClusterConfiguration, setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import type { ComponentExtras } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { withKubernetesVersion } from '@quorate/shared/kubeadm-config-version'
import { adoptExtras } from '@quorate/shared/kubeadm-extras'
import { formatEndpoint } from '@quorate/shared/names'
import { podDifferences } from '@quorate/shared/static-pod-differences'
import { certSansOf } from '../certificates/hand-added-sans.js'
import type { JoinersWillBe } from '../context/joiners-will-be.js'
import type { ConversionRun } from '../context/run.js'
import { patchedBy } from '../facts/patches.js'
import { ownOf } from './own-values.js'

/**
 * Asks the first control plane's kubeadm what it would write: from kubeadm-config as this run will leave it, with the patches that the joins apply.
 * Asked once for one state of both. Undefined where the cluster has no kubeadm-config.
 */
export async function joinersWillBe(run: ConversionRun): Promise<JoinersWillBe | undefined> {
  const [{ kubeadmConfig, kubernetesVersion }, facts] = await Promise.all([
    run.clusterFacts(),
    run.nodeFacts(run.first),
  ])
  const before = kubeadmConfig?.text ?? ''
  if (before === '' || facts.staticPods.length === 0) return undefined
  const sans = await certSansOf(run, before)
  const edited = setControlPlaneEndpoint(before, formatEndpoint(run.endpoint), sans)
  // Another version is a finding of its own (kubeadm-config-version); here it would only hide what else differs.
  const configuration = withKubernetesVersion(edited, kubernetesVersion)
  const { rendered } = run.inProcess
  const key = sha256Hex(JSON.stringify([configuration, facts.staticPods, facts.sharedFiles]))
  const asked = rendered.get(key) ?? ask(run, configuration)
  rendered.set(key, asked)
  asked.catch(() => rendered.delete(key))
  return asked
}

async function ask(run: ConversionRun, configuration: string): Promise<JoinersWillBe> {
  const facts = await run.nodeFacts(run.first)
  const { apiVersion } = readClusterConfiguration(configuration)
  const own = ownOf(run, run.first, facts)
  const withPatches = patchedBy(facts).size > 0
  const compare = async (clusterConfiguration: string) => {
    const request = { clusterConfiguration, withPatches }
    const { pods } = await run.agent(run.first).read('renderManifests', request, { deadlineMs: 150_000 })
    const differences = podDifferences({ pods: facts.staticPods, own }, { pods, own })
    const input = { differences, pods: facts.staticPods, own, configuration: clusterConfiguration, apiVersion }
    return { apiVersion, pods, differences: carriedExtras(input), extras: [] }
  }
  const plain = await compare(configuration)
  const extras = mergedExtras(plain.differences.flatMap((one) => one.extras ?? []))
  if (!run.file.policy.adoptManifestChanges || extras.length === 0) return plain
  return { ...(await compare(adoptExtras(configuration, extras))), extras }
}

/** What the manifests of the first control plane have by hand, and the operator wants the joiners to have too. */
export async function adoptedExtras(run: ConversionRun): Promise<readonly ComponentExtras[]> {
  if (!run.file.policy.adoptManifestChanges) return []
  return (await joinersWillBe(run))?.extras ?? []
}
