import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findFlaws } from '../faults/flaws/find-flaws.js'
import { changedFile } from '../faults/flaws/put-in.js'
import { simulatedFlaws } from '../faults/flaws/simulated.js'
import { clusterForTest, ended, everything } from '../support/simulated-cluster.js'

/** QUORATE_FLAWS=id,id puts in only those. */
const only = process.env['QUORATE_FLAWS']?.split(',')

t.test('verify finds every flaw in a converted cluster, and only it', async (t) => {
  const cluster = await clusterForTest(t)
  ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
  await findFlaws(t, await simulatedFlaws(cluster), only)

  await t.test(
    'of a cluster that somebody else made, behind a load balancer of theirs, it needs no trace of a run',
    async (t) => {
      const theirs = join(cluster.operatorFolder, 'theirs.yaml')
      writeFileSync(
        theirs,
        cluster.clusterFileText({ loadBalancer: '{kind: external}' }).replace('name: simulated', 'name: theirs'),
      )
      for (const folder of ['runs', 'backups', 'leases'])
        rmSync(join(cluster.stateFolder, folder), { recursive: true, force: true })
      for (const node of cluster.nodes) {
        await cluster.stopAgent(node.name)
        rmSync(join(node.root, 'var/lib/quorate-agent'), { recursive: true, force: true })
        await cluster.startAgent(node)
      }
      // kubeadm init --control-plane-endpoint writes no certSANs: it takes the endpoint's name into the certificates by itself.
      const object = { plural: 'configmaps', namespace: 'kube-system', name: 'kubeadm-config' } as const
      const flawed = await simulatedFlaws(cluster, theirs)
      const text = (await flawed.readObject(object)).data?.['ClusterConfiguration'] ?? ''
      const born = text.replace(/^( *)certSANs:\n(\1 *- .*\n)+/m, '$1timeoutForControlPlane: 4m0s\n')
      t.not(born, text)
      await flawed.patchObject(object, { data: { ClusterConfiguration: born } })

      const before = await everything(cluster)
      const verified = await flawed.verify()
      ended(t, verified)
      const after = await everything(cluster)
      const notLedgers = (files: Record<string, string>) =>
        Object.fromEntries(Object.entries(files).filter(([path]) => !path.includes('/var/lib/quorate-agent/')))
      t.same(notLedgers(after.files), notLedgers(before.files), 'it changes nothing')
      t.same(after.objects, before.objects)
      await findFlaws(t, flawed, ['stale-cluster-info', 'one-machine', 'scheduler-with-another-flag'])

      await t.test('for people too: node, component, flag and both values, and that it is not HA', async (t) => {
        const [path, spare] = [
          '/etc/kubernetes/manifests/kube-controller-manager.yaml',
          cluster.node(flawed.spare).name,
        ]
        const out = await changedFile(flawed, { node: flawed.spare, path }, (text) =>
          text.replace('--leader-elect=true', '--leader-elect=false'),
        )
        const { exitCode, stdout } = await cluster.quorate(['verify', '-f', theirs]).finally(out)
        t.equal(exitCode, 7)
        const said = stdout.replace(/\s+/g, ' ')
        t.match(said, `--leader-elect of kube-controller-manager differs from ${cluster.node('cp1').name}: false`)
        t.match(said, `on ${cluster.node('cp1').name}: true`)
        t.match(said, spare)
      })
    },
  )
})
