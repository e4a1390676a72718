import { kubeletDifferences } from '@quorate/shared/kubelet-differences'
import type { ConversionRun } from '../context/run.js'
import { kubeletConfigPath } from '../facts/cluster-folders.js'
import { ownKubeletConfig } from '../facts/component-configs.js'
import { flagDifferences, mustBeAlike } from '../facts/node-registration.js'
import type { Difference, Pair } from './control-plane.js'
import { ownOf } from './own-values.js'

/** In what the kubelets of two control planes differ: their configuration by value, and the flags that each node's own files give. */
export const kubeletDifferencesOf = (run: ConversionRun, pair: Pair): readonly Difference[] => [
  ...configurations(run, pair),
  ...(run.file.policy.kubeletExtraArgs === 'own' ? [] : flags(pair)),
]

function configurations(run: ConversionRun, { here, there }: Pair): readonly Difference[] {
  const [left, right] = [here, there].map(({ facts }) => ownKubeletConfig(facts))
  if (left === undefined || right === undefined) return []
  const own = ({ node, facts }: Pair['here']) => ownOf(run, node, facts)
  return kubeletDifferences({ value: left.value, own: own(here) }, { value: right.value, own: own(there) }).map(
    (difference) => {
      const [a, b] = [difference.one ?? 'absent', difference.other ?? 'absent']
      return {
        severity: 'error',
        message: `${difference.path} of the kubelet differs from ${there.node.name}: ${a}; on ${there.node.name}: ${b}`,
        evidence: `${kubeletConfigPath(here.facts)}: ${difference.path}: ${a}; on ${there.node.name}: ${b}`,
        remedy: `Decide which is right, write it into the other's configuration (${kubeletConfigPath(here.facts)} on ${here.node.name}, ${kubeletConfigPath(there.facts)} on ${there.node.name}) and systemctl restart kubelet there. Update the source too: kubectl -n kube-system edit configmap kubelet-config.`,
      }
    },
  )
}

/** They are no part of kubelet-config, and only their authors keep them equal. */
function flags({ here, there }: Pair): readonly Difference[] {
  return flagDifferences(here.facts, there.facts).map(({ name, one, other }) => {
    const [a, b] = [one, other].map((flag) => flag?.value ?? 'absent')
    const seen = (flag: typeof one): string =>
      flag === undefined ? 'absent' : `${flag.where}: --${name}=${flag.value}`
    const where = (one ?? other)?.where
    return {
      severity: mustBeAlike.has(name) ? 'error' : 'warning',
      message: `--${name} of the kubelet differs from ${there.node.name}: ${a}; on ${there.node.name}: ${b}`,
      evidence: `${here.node.name}: ${seen(one)}; ${there.node.name}: ${seen(other)}`,
      remedy: `Decide which is right, write it into ${where} on the other node and there: systemctl daemon-reload; systemctl restart kubelet. policy.kubeletExtraArgs: own in the cluster file keeps the files of each kubelet.`,
    }
  })
}
