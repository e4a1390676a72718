import { decideEndpointPolicy, endpointPolicyTable } from '@quorate/coordinator/conversion/endpoint-policy'
import t from 'tap'

t.test('by release, as kubeadm of that release makes a control plane', async (t) => {
  const cases = [
    ['v1.24.17', 'load-balancer'],
    ['v1.30.4', 'load-balancer'],
    ['v1.30.14', 'load-balancer'],
    ['v1.31.0', 'local'],
    ['v1.37.2', 'local'],
  ] as const
  for (const [version, kubelet] of cases) {
    const policy = decideEndpointPolicy(version, 'auto')
    t.match(policy, { kubelet, controllerManager: 'local', scheduler: 'local' }, version)
    t.match(policy.reason, version)
  }
})

t.test('the cluster file decides for all three', async (t) => {
  for (const target of ['local', 'load-balancer'] as const) {
    for (const version of ['v1.30.4', 'v1.37.2']) {
      t.match(decideEndpointPolicy(version, target), { kubelet: target, controllerManager: target, scheduler: target })
    }
  }
})

t.test('every row says why and who says so, and later rows come later', async (t) => {
  for (const row of endpointPolicyTable)
    t.ok(row.reason.length > 20 && /\/|KEP-/.test(row.source), `${row.component} from ${row.from}`)
  const kubelet = endpointPolicyTable
    .filter(({ component }) => component === 'kubelet')
    .map(({ from }) => Number(from.split('.')[1]))
  t.same(
    kubelet,
    [...kubelet].sort((a, b) => a - b),
  )
})
