import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubernetesPackages } from '@quorate/shared/package-holds'
import type { Finding } from '../context/finding.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'package-holds'

/** An automatic upgrade during a run restarts the kubelet or gives a joiner another version; kubeadm's documentation holds the packages for it. */
export const packageHolds: Check = {
  id,
  title: 'No automatic upgrade replaces kubeadm or the kubelet during a run',
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }) => ofNode(name, facts))
  },
}

function ofNode(node: string, { automaticUpgrades, packages }: NodeFacts): Finding[] {
  const free = packages.filter(({ name, held }) => !held && kubernetesPackages.includes(name)).map(({ name }) => name)
  if (automaticUpgrades === '' || free.length === 0) return []
  return [
    {
      id,
      severity: 'warning',
      node,
      message: `${automaticUpgrades} installs upgrades on this node, and ${free.join(', ')} ${free.length === 1 ? 'is' : 'are'} not held`,
      evidence: `${automaticUpgrades} is enabled; not held: ${packages
        .filter(({ name }) => free.includes(name))
        .map(({ name, version }) => `${name} ${version}`.trim())
        .join(', ')}`,
      remedy:
        automaticUpgrades === 'unattended-upgrades'
          ? `On that node: apt-mark hold ${free.join(' ')}`
          : `On that node: dnf versionlock add ${free.join(' ')}`,
    },
  ]
}
