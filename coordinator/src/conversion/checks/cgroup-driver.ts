import { toJoin } from '../membership.js'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'cgroup-driver'

/** From containerd 2 the kubelet asks the runtime for its driver (CRI RuntimeConfig); before, kubelet-config decides, and a mismatch kills pods (kubeadm, troubleshooting). */
const asksTheRuntime = (runtime: string): boolean => /^containerd v?[2-9]/.test(runtime)

export const cgroupDriver: Check = {
  id,
  title: "kubelet-config and the joiners' container runtime use the same cgroup driver",
  async check(run) {
    const { kubeletConfig } = await run.clusterFacts()
    // The kubelet's own default is cgroupfs, kubeadm's since 1.22 is systemd and written down.
    const wanted = /^cgroupDriver:\s*"?([a-z]+)/m.exec(kubeletConfig?.text ?? '')?.[1]
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes
      .filter(({ facts }) => !asksTheRuntime(facts.containerRuntime))
      .filter(
        ({ facts: { runtimeCgroupDriver: driver } }) => wanted !== undefined && driver !== '' && driver !== wanted,
      )
      .map(
        ({ name, facts }): Finding => ({
          id,
          severity: 'error',
          node: name,
          message: `the container runtime has the cgroup driver ${facts.runtimeCgroupDriver}, the cluster's kubelets have ${wanted}: static pods would not stay up`,
          evidence: `/etc/containerd/config.toml: SystemdCgroup = ${facts.runtimeCgroupDriver === 'systemd'}; kubelet-config: cgroupDriver: ${wanted}`,
          remedy: `On that node: sed -i 's/SystemdCgroup = .*/SystemdCgroup = ${wanted === 'systemd'}/' /etc/containerd/config.toml && systemctl restart containerd`,
        }),
      )
  },
}
