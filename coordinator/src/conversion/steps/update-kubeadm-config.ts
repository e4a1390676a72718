import { isDeepStrictEqual } from 'node:util'
import { readClusterConfiguration, setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import { unifiedDiff } from '@quorate/shared/diff'
import { QuorateError } from '@quorate/shared/errors'
import type { ComponentExtras } from '@quorate/shared/gen/quorate/v1/node_agent'
import { adoptExtras } from '@quorate/shared/kubeadm-extras'
import { formatEndpoint } from '@quorate/shared/names'
import { canonicalAddress } from '@quorate/shared/pki'
import { adoptedExtras } from '../alike/joiners.js'
import { certSansOf } from '../certificates/hand-added-sans.js'
import { defineStep } from '../context/step.js'
import { readClusterFacts } from '../facts/read-facts.js'
import { kubeadmConfig } from '../proofs/kubeadm-config.js'
import { putBack } from '../undo/put-back.js'

const name = 'configmap/kube-system/kubeadm-config'

export const updateKubeadmConfig = defineStep({
  id: 'update-kubeadm-config',
  title: 'Set controlPlaneEndpoint and certSANs in kubeadm-config',
  gate: 'Only controlPlaneEndpoint, certSANs and what policy.adoptManifestChanges adds have changed.',
  undo: 'The old text is restored, unless something else has changed it since.',
  width: 1,
  fixes: [kubeadmConfig],
  foreseen: [
    { asks: 'a document that can be edited', checks: ['kubeadm-config-api'] },
    { asks: 'admission that allows the change', checks: ['admission'] },
  ],
  async plan(run) {
    const { kubeadmConfig } = await run.clusterFacts()
    const before = kubeadmConfig?.text ?? ''
    const view = readClusterConfiguration(before)
    const endpoint = formatEndpoint(run.endpoint)
    const sans = await certSansOf(run, before)
    const extras = await adoptedExtras(run)
    const isSet = view.controlPlaneEndpoint === endpoint && lacking(sans, view.certSans).length === 0
    if (isSet && extras.length === 0) return []
    const after = adoptExtras(setControlPlaneEndpoint(before, endpoint, sans), extras)
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `set controlPlaneEndpoint: ${endpoint} and certSANs ${sans.join(', ')}${inWords(extras)}`,
        diffs: [{ name, text: unifiedDiff(name, before, after) }],
      },
    ]
  },
  async apply(run, _action, call) {
    const { kubeadmConfig } = await run.clusterFacts()
    const extras = await adoptedExtras(run)
    const request = {
      controlPlaneEndpoint: formatEndpoint(run.endpoint),
      certSans: await certSansOf(run, kubeadmConfig?.text ?? ''),
      expectedSha256: kubeadmConfig?.sha256 ?? '',
      extras: [...extras],
    }
    await run.agent(run.first).change('updateKubeadmConfig', request, call, 'update')
    return { before: kubeadmConfig?.text, extras }
  },
  async verify(run, _action, signal, { before, extras }) {
    const text = (await readClusterFacts(run, signal)).kubeadmConfig?.text ?? ''
    const after = readClusterConfiguration(text)
    const wrong = (why: string) => new QuorateError('CONFIG_MAP_INVALID', `${name}: ${why}`, { where: run.first.name })
    if (after.controlPlaneEndpoint !== formatEndpoint(run.endpoint))
      throw wrong(`controlPlaneEndpoint is ${after.controlPlaneEndpoint ?? 'absent'}`)
    const missing = lacking(await certSansOf(run, before ?? text), after.certSans)
    if (missing.length > 0) throw wrong(`certSANs lack ${missing.join(', ')}`)
    if (before !== undefined && !onlyThose(adoptExtras(before, extras), text))
      throw wrong('more than controlPlaneEndpoint and certSANs has changed')
    return [
      {
        what: name,
        saw: `controlPlaneEndpoint ${after.controlPlaneEndpoint}, certSANs ${after.certSans.join(', ')}${inWords(extras)}; nothing else changed`,
      },
    ]
  },
  rollback: putBack,
})

/** Names, no values: the diff has them. */
function inWords(extras: readonly ComponentExtras[]): string {
  const names = extras.flatMap(({ component, args, volumes, envs, imageRepository, imageTag }) => [
    ...args.map((arg) => `--${arg.name} of ${component}`),
    ...volumes.map(({ mountPath }) => `the mount ${mountPath} of ${component}`),
    ...envs.map((env) => `${env.name} of ${component}`),
    ...(imageRepository === '' && imageTag === '' ? [] : [`the image of ${component}`]),
  ])
  return names.length === 0 ? '' : `; add ${names.join(', ')}`
}

const lacking = (wanted: readonly string[], present: readonly string[]): string[] =>
  wanted.filter((san) => !present.map(canonicalAddress).includes(canonicalAddress(san)))

/** Whether the documents are equal except for the two fields, and no old name was lost. */
function onlyThose(before: string, after: string): boolean {
  const [old, now] = [readClusterConfiguration(before), readClusterConfiguration(after)]
  const same = isDeepStrictEqual(
    { ...old, controlPlaneEndpoint: '', certSans: [] },
    { ...now, controlPlaneEndpoint: '', certSans: [] },
  )
  if (!same || !old.certSans.every((san) => now.certSans.includes(san))) return false
  // The view does not have every key: writing the new values into both must leave no difference either.
  const level = (text: string) => setControlPlaneEndpoint(text, now.controlPlaneEndpoint ?? '', now.certSans)
  return level(before) === level(after)
}
