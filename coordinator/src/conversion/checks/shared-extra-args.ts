import type { Check, Finding } from './check.js'

const id = 'shared-extra-args'
/** Flags whose value belongs to one node. As extraArgs of the ClusterConfiguration every joiner would get the first node's (kubeadm#3175, #1468, #2289). */
const ofOneNode =
  /(?:name:\s*["']?|^\s*["']?)(advertise-address|bind-address|listen-client-urls|listen-peer-urls|advertise-client-urls|initial-advertise-peer-urls|initial-cluster|node-ip|hostname-override)\b/

export const sharedExtraArgs: Check = {
  id,
  title: "kubeadm-config gives no joiner the first node's own values",
  async check(run) {
    const lines = ((await run.clusterFacts()).kubeadmConfig?.text ?? '').split('\n')
    return lines.flatMap((line, index): Finding[] => {
      const flag = ofOneNode.exec(line)?.[1]
      if (flag === undefined) return []
      // v1beta4 has the value on the line after the name.
      const seen = [line, ...(line.includes('name:') && !line.includes('value:') ? [lines[index + 1] ?? ''] : [])]
        .map((each) => each.trim())
        .join(' ')
      if (flag === 'bind-address' && /0\.0\.0\.0|::/.test(seen)) return []
      return [
        {
          id,
          severity: 'error',
          message: `kubeadm-config sets --${flag} for all control planes, but its value belongs to one node`,
          evidence: seen,
          remedy: `kubectl -n kube-system edit configmap kubeadm-config, and delete ${flag} under extraArgs; kubeadm sets it for each node itself`,
        },
      ]
    })
  },
}
