import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { openSession } from '@quorate/coordinator/open-session'
import { planConversion } from '@quorate/coordinator/runs/plan'
import t from 'tap'
import { clusterForTest } from '../support/simulated-cluster.js'

t.test('what would stand in the way is found on the nodes themselves, named and located', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const [cp1, cp2, w1] = [cluster.node('cp1'), cluster.node('cp2'), cluster.node('w1')]
  const session = await openSession(cluster.stateFolder)
  const findings = async () => {
    const { file } = await readClusterFile(cluster.clusterFile)
    const plan = await planConversion(session, file)
    const ours = ['old-address-users', 'endpoint-resolves', 'mtu', 'reachability', 'hairpin']
    return plan.findings.filter(({ id }) => ours.includes(id))
  }
  t.same(await findings(), [], 'nothing on a sound cluster')

  const server = `https://${cp1.address}:6443`
  const write = (node: string, path: string, text: string) => cluster.control.ask('writeFile', { node, path, text })
  await write(w1.name, '/etc/resolv.conf', 'nameserver 10.96.0.10\n')
  await write(w1.name, '/etc/systemd/system/backup.service.d/api.conf', `[Service]\nEnvironment=API=${server}\n`)
  await write(w1.name, '/etc/cni/net.d/net-kubeconfig', `clusters:\n- cluster: {server: "${server}"}\n`)
  await cluster.setFaults('cp2', { mtu: 9000 })
  await cluster.control.ask('cutNetwork', { a: w1.name, b: cp2.name, cut: true })
  const path = '/api/v1/namespaces/kube-system/configmaps'
  const body = { metadata: { name: 'cilium-config' }, data: { 'k8s-api-server': server } }
  await cluster.control.ask('kube', { method: 'POST', path, body })

  const found = await findings()
  for (const expected of [
    { id: 'endpoint-resolves', severity: 'error', node: w1.name, evidence: /nameserver 10\.96\.0\.10/ },
    { id: 'old-address-users', severity: 'warning', node: w1.name, message: /backup\.service\.d\/api\.conf line 2/ },
    { id: 'old-address-users', severity: 'warning', node: w1.name, message: /net-kubeconfig line 2 .* network plugin/ },
    { id: 'old-address-users', severity: 'warning', remedy: /k8sServiceHost=apiserver\.example\.com/ },
    { id: 'mtu', severity: 'warning', node: cp2.name, evidence: /9000/ },
    { id: 'reachability', severity: 'error', node: w1.name, message: /port 8443 \(the load balancer\)/ },
  ])
    t.ok(
      found.some((finding) => matches(finding, expected)),
      `${JSON.stringify(expected.id)} in ${JSON.stringify(found)}`,
    )
})

const matches = (finding: object, expected: Readonly<Record<string, string | RegExp>>): boolean =>
  Object.entries(expected).every(([key, wanted]) => {
    const value = String((finding as Record<string, unknown>)[key])
    return typeof wanted === 'string' ? value === wanted : wanted.test(value)
  })
