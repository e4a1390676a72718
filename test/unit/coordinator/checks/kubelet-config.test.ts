import { cgroupDriver } from '@quorate/coordinator/conversion/checks/cgroup-driver'
import { swap } from '@quorate/coordinator/conversion/checks/swap'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { configMap, nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n'

/** What both checks find on a joiner with swap and an old containerd that has cgroupfs. */
async function found(lines: string): Promise<readonly string[]> {
  const world = soundWorld()
  world.cluster.kubeletConfig = configMap(head + lines)
  Object.assign(world.facts[nodeNames.cp2] ?? {}, {
    ...{ swapOn: true, runtimeCgroupDriver: 'cgroupfs', containerRuntime: 'containerd 1.7.2' },
  })
  const run = fakeRun(world)
  return [...(await cgroupDriver.check(run)), ...(await swap.check(run))].map(({ id, message }) => `${id}: ${message}`)
}

t.test('kubelet-config is read as YAML, not line by line', async (t) => {
  const mismatch = /^cgroup-driver: containerd has the cgroup driver cgroupfs, the cluster's kubelets have systemd/
  t.match(await found('cgroupDriver: systemd\nfailSwapOn: false\n'), [mismatch])
  t.match(await found("'cgroupDriver': 'systemd' # as kubeadm\nfailSwapOn: false # swap is ours\n"), [mismatch])
  t.match(await found('failSwapOn: !!bool "false"\ncgroupDriver: &d systemd\n'), [mismatch])
  t.match(await found('cgroupDriver:\nclusterDNS: [10.96.0.10]\n'), [/^swap: /], 'not what the next line begins with')
  t.match(await found('memorySwap:\n  failSwapOn: false\n'), [/^swap: /], 'not a field of another')
})
