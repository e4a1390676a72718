import { type Carried, carriedExtras, mergedExtras } from '@quorate/shared/carried-extras'
import { readClusterConfiguration, setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import type { StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { ComponentExtras } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { withKubernetesVersion } from '@quorate/shared/kubeadm-config-version'
import { adoptExtras } from '@quorate/shared/kubeadm-extras'
import { formatEndpoint } from '@quorate/shared/names'
import { podDifferences } from '@quorate/shared/static-pod-differences'
import { certSansOf } from '../certificates/hand-added-sans.js'
import { recall, remember } from '../context/notes.js'
import type { ConversionRun } from '../context/run.js'
import { patchedBy } from '../facts/patches.js'
import { ownOf } from './own-values.js'

/** How the manifests that kubeadm will write for the joiners differ from what runs on the first control plane. */
export interface JoinersWillBe {
  /** `v1beta4`: of kubeadm-config. */
  readonly apiVersion: string
  /** What kubeadm writes, as its dry run on the first control plane shows; with `extras` in it. */
  readonly pods: readonly StaticPodFacts[]
  /** What is left; `one` runs on the first control plane, `other` the joiners would get. With how kubeadm-config could say it. */
  readonly differences: readonly Carried[]
  /** What this run adds to kubeadm-config, where the cluster file allows it. */
  readonly extras: readonly ComponentExtras[]
}

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
  const key = `joiners ${sha256Hex(JSON.stringify([configuration, facts.staticPods, facts.sharedFiles]))}`
  const known = recall<Promise<JoinersWillBe>>(run, key)
  if (known !== undefined) return known
  const asked = ask(run, configuration)
  remember(run, key, asked)
  asked.catch(() => remember(run, key, undefined))
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
