import type { ConversionRun } from '../context/run.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'node-labels'

/** Of the kubelet, kubeadm, cloud providers, network plugins and CSI drivers: each node gets its own. */
const byPrograms =
  /^([a-z0-9.-]*\.)?(kubernetes\.io|k8s\.io|projectcalico\.org|coreos\.com|cilium\.io|openstack\.org|antrea\.io|kube-router\.io|weave\.works|kube-vip\.io)\//

/** Labels and annotations that the operator set on the first control plane's Node are not copied to others. */
export const nodeLabels: Check = {
  id,
  title: "The joiners' Nodes have the labels and annotations that the operator set on the first control plane",
  beside: 'Labels and annotations that the operator set on one Node are not copied to others.',
  async check(run) {
    if ((await toJoin(run)).length === 0) return []
    const object = (await run.clusterFacts()).nodes.find(({ name }) => name === run.first.name)
    const labels = ownOf(object?.labels ?? {})
    const annotations = ownOf(object?.annotations ?? {})
    if (labels.length + annotations.length === 0) return []
    return [
      {
        id,
        severity: 'info',
        node: run.first.name,
        message: `the joiners' Nodes do not get ${[...labels, ...annotations].join(', ')}`,
        evidence: [...labels.map((one) => `label ${one}`), ...annotations.map((one) => `annotation ${one}`)].join('; '),
        remedy: `If they are needed, after the joins: ${commands(run, labels, annotations).join('; ')}`,
      },
    ]
  },
}

const ownOf = (of: Readonly<Record<string, string>>): string[] =>
  Object.entries(of)
    .filter(([key]) => !byPrograms.test(key))
    .map(([key, value]) => `${key}=${value}`)

function commands(run: ConversionRun, labels: readonly string[], annotations: readonly string[]): string[] {
  const nodes = run.joining.map(({ name }) => name).join(' ')
  const quoted = (words: readonly string[]) =>
    words.map((word) => (/^[\w./=-]+$/.test(word) ? word : `'${word}'`)).join(' ')
  return [
    ...(labels.length === 0 ? [] : [`kubectl label node ${nodes} ${quoted(labels)}`]),
    ...(annotations.length === 0 ? [] : [`kubectl annotate node ${nodes} ${quoted(annotations)}`]),
  ]
}
