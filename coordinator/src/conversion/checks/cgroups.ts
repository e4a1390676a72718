import { holds } from '@quorate/shared/version-rules'
import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'cgroups'

/** Newer kubelets refuse cgroup v1 unless failCgroupV1 is false, and kubeadm unless SystemVerification is ignored. */
export const cgroups: Check = {
  id,
  title: 'Control planes use the same cgroup version, and one that Kubernetes runs on',
  async check(run) {
    const joining = await toJoin(run)
    const { kubernetesVersion } = await run.clusterFacts()
    const nodes = await Promise.all(
      run.controlPlanes.map(async (node) => ({ node, version: (await run.nodeFacts(node)).cgroupVersion })),
    )
    const first = nodes[0]?.version ?? ''
    const asked = holds('cgroup-v1-refused', kubernetesVersion)
    const refused = asked && !run.file.policy.ignorePreflightErrors.includes('SystemVerification')
    const old = nodes
      .filter(({ node, version }) => joining.includes(node) && version === 'v1')
      .map(({ node }) => ofOld(node.name, kubernetesVersion, refused))
    const mixed = nodes
      .filter(({ version }) => version !== first && version !== '')
      .map(({ node, version }) => ofMixed(node.name, version, `${run.first.name} ${first}`))
    return asked ? [...old, ...mixed] : mixed
  },
}

function ofOld(node: string, kubernetesVersion: string, refused: boolean): Finding {
  return {
    id,
    severity: refused ? 'error' : 'warning',
    node,
    message: `it has cgroup v1, which Kubernetes ${kubernetesVersion} ${refused ? 'refuses' : 'runs on only with failCgroupV1: false'}`,
    evidence: 'cgroup v1: no /sys/fs/cgroup/cgroup.controllers',
    remedy: refused
      ? 'Boot with systemd.unified_cgroup_hierarchy=1; or, where the kubelet is configured with failCgroupV1: false, add SystemVerification to policy.ignorePreflightErrors.'
      : 'Boot with systemd.unified_cgroup_hierarchy=1 when you can.',
  }
}

function ofMixed(node: string, version: string, other: string): Finding {
  return {
    id,
    severity: 'warning',
    node,
    message: `its cgroup version differs from the first control plane: both use the same kubelet configuration`,
    evidence: `cgroup ${version}; ${other}`,
    remedy: 'Use the same version on both: boot with systemd.unified_cgroup_hierarchy=1',
  }
}
