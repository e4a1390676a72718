import type { LookContext } from '@quorate/agent/ops/context/operation'
import t from 'tap'
import { applyLoadBalancer } from '../../../../agent/src/ops/apply-load-balancer.js'
import { backUpFiles } from '../../../../agent/src/ops/back-up-files.js'
import type { ChangeOperation } from '../../../../agent/src/ops/context/operation.js'
import { operations } from '../../../../agent/src/ops/registry.js'
import { removeHostsBlock } from '../../../../agent/src/ops/remove-hosts-block.js'
import { restartKubelet } from '../../../../agent/src/ops/restart-kubelet.js'
import { restoreBackup } from '../../../../agent/src/ops/restore-backup.js'
import { rewriteKubeconfig } from '../../../../agent/src/ops/rewrite-kubeconfig.js'
import { stopLoadBalancer } from '../../../../agent/src/ops/stop-load-balancer.js'
import { writeHostsBlock } from '../../../../agent/src/ops/write-hosts-block.js'
import { OpsNode, runId } from '../../../support/ops-node.js'

const balancer = {
  port: 8443,
  virtualIp: '192.168.13.100',
  backends: [{ name: 'k8smaster1.example.com', address: '192.168.13.30', port: 6443 }],
  peers: ['192.168.13.30'],
  ownAddress: '192.168.13.30',
  virtualRouterId: 51,
  priority: 100,
  bindAddress: '',
  acceptRefusal: false,
}

const look = (node: OpsNode, begunAtUnixMs = Date.now()): LookContext => ({
  tools: node.tools,
  header: { operationId: 'op-look', runId, cluster: 'prod', fencingToken: 1 },
  begunAtUnixMs,
  signal: new AbortController().signal,
})

async function done<In>(node: OpsNode, operation: ChangeOperation<In>, input: Omit<In, 'header'>): Promise<string> {
  const seen = await operation.evidence?.({ header: undefined, ...input } as In, look(node))
  return seen?.done ?? 'none'
}

t.test('every change says what can be seen of it when nobody saw its end', async (t) => {
  for (const [name, operation] of Object.entries(operations))
    if (operation.kind === 'change') t.ok(operation.evidence, name)
})

t.test('files, services and backups: no before, yes after, no again when undone', async (t) => {
  const node = await OpsNode.make(t)
  node.copy('v1.37.2/before/admin.conf', '/etc/kubernetes/admin.conf')
  node.write('/etc/hosts', '127.0.0.1 localhost\n')
  node.unit('haproxy', 'inactive', 'disabled')
  node.unit('keepalived', 'inactive', 'disabled')
  const hosts = { name: 'apiserver.example.com', address: '192.168.13.100' }
  const kubeconfig = { purpose: 'admin', path: '', server: 'https://apiserver.example.com:8443', expectedSha256: '' }
  const restore = { name: '/etc/kubernetes/admin.conf', expectedSha256: '' }

  t.equal(await done(node, backUpFiles, { includeApiObjects: false }), 'no')
  await node.change(backUpFiles, { includeApiObjects: false })
  t.equal(await done(node, backUpFiles, { includeApiObjects: false }), 'yes')
  t.equal(await done(node, backUpFiles, { includeApiObjects: true }), 'no', 'the API objects are missing')

  t.equal(await done(node, writeHostsBlock, hosts), 'no')
  t.equal(await done(node, removeHostsBlock, {}), 'yes')
  await node.change(writeHostsBlock, hosts)
  t.equal(await done(node, writeHostsBlock, hosts), 'yes')
  t.equal(await done(node, removeHostsBlock, {}), 'no')

  t.equal(await done(node, rewriteKubeconfig, kubeconfig), 'no')
  t.equal(await done(node, restoreBackup, restore), 'yes')
  const { touched } = await node.change(rewriteKubeconfig, kubeconfig)
  t.equal(await done(node, rewriteKubeconfig, kubeconfig), 'yes')
  t.equal(await done(node, restoreBackup, restore), 'no')
  await node.change(restoreBackup, { ...restore, expectedSha256: touched[0]?.sha256After ?? '' })
  t.equal(await done(node, restoreBackup, restore), 'yes')

  t.equal(await done(node, applyLoadBalancer, balancer), 'no')
  t.equal(await done(node, stopLoadBalancer, {}), 'yes')
  await node.change(applyLoadBalancer, balancer)
  t.equal(await done(node, applyLoadBalancer, balancer), 'yes')
  t.equal(await done(node, applyLoadBalancer, { ...balancer, priority: 90 }), 'no')
  t.equal(await done(node, stopLoadBalancer, {}), 'no')
  await node.change(stopLoadBalancer, {})
  t.equal(await done(node, stopLoadBalancer, {}), 'yes')
})

t.test('a kubelet that is younger than the wish to restart it was restarted', async (t) => {
  const node = await OpsNode.make(t)
  const at = Date.parse('2026-03-03T10:11:12Z')
  const kubelet = (state: string) =>
    node.write(
      '/run/units/kubelet',
      `LoadState=loaded\nActiveState=${state}\nSubState=x\nActiveEnterTimestamp=Tue 2026-03-03 10:11:12 UTC\n`,
    )
  const seen = async (begun: number) =>
    (await restartKubelet.evidence?.({ header: undefined }, look(node, begun)))?.done
  kubelet('active')
  t.equal(await seen(at - 1), 'yes')
  t.equal(await seen(at + 500), 'unknown', 'systemd tells whole seconds')
  t.equal(await seen(at + 1500), 'no')
  kubelet('failed')
  t.equal(await seen(at - 1), 'no')
})
