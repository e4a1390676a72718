import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import { sharedKubeletConfig } from '../facts/component-configs.js'
import { runtimeOf } from '../facts/container-runtime.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'cgroup-driver'

/**
 * Newer kubelets ask the runtime for its driver, where it can say so (CRI RuntimeConfig: containerd 2.0, CRI-O 1.28); before, kubelet-config
 * decides, and a mismatch kills pods (kubeadm, troubleshooting).
 */
const asksTheRuntime = ({ containerRuntime, kubeletVersion }: NodeFacts): boolean =>
  /^(containerd v?[2-9]|cri-o v?1\.(2[89]|[3-9]\d))/i.test(containerRuntime) &&
  (kubeletVersion === '' || holds('cgroup-driver-from-runtime', kubeletVersion))

export const cgroupDriver: Check = {
  id,
  title: "kubelet-config and the joiners' container runtime use the same cgroup driver",
  async check(run) {
    // The kubelet's own default is cgroupfs, kubeadm's since 1.22 is systemd and written down.
    const wanted = sharedKubeletConfig(await run.clusterFacts())?.value['cgroupDriver']
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    if (typeof wanted !== 'string') return []
    return nodes
      .filter(({ facts }) => !asksTheRuntime(facts))
      .filter(({ facts: { runtimeCgroupDriver: driver } }) => driver !== '' && driver !== wanted)
      .map(({ name, facts }) => mismatch(name, facts, wanted))
  },
}

function mismatch(node: string, facts: NodeFacts, wanted: string): Finding {
  const runtime = runtimeOf(facts)
  const { runtimeCgroupDriver: driver, runtimeConfigPath: path } = facts
  return {
    id,
    severity: 'error',
    node,
    message: `${runtime.name} has the cgroup driver ${driver}, the cluster's kubelets have ${wanted}: static pods would not stay up`,
    evidence: `${path || `${runtime.name}'s default`}: ${driver}; kubelet-config: cgroupDriver: ${wanted}`,
    remedy: `On that node: ${runtime.cgroupDriver(wanted, path)}`,
  }
}
