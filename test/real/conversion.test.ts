/**
 * The claim itself, on real kubeadm, kubelet, containerd and etcd: one control plane becomes three, no request fails, verify agrees,
 * a second conversion finds nothing to do, and the API outlives its first control plane. `npm run test:real`; root; about 3 minutes a version.
 */
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import type { Lab } from '../../lab/real/lab.js'
import { type ProbeResult, Probes } from '../../lab/real/probes.js'
import { capture } from '../../lab/real/shell.js'
import { labForTest, realVersions } from '../support/real-lab.js'
import { differences, stateOf } from '../support/real-state.js'

/** Probes start at the first control plane at once, and at the endpoint as soon as the load balancer answers. */
async function convertUnderProbes(lab: Lab): Promise<{ exitCode: number; output: string; probes: ProbeResult[] }> {
  const probes = Probes.direct(lab)
  const conversion = capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  await probes.addEndpointWhenUp(lab)
  const { exitCode, stdout, stderr } = await conversion
  return { exitCode, output: stdout + stderr, probes: await probes.stop() }
}

const etcdctl =
  'etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key -w json'

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

/** Hashes of all that a conversion could touch on a node. */
async function fingerprint(lab: Lab): Promise<Record<string, string>> {
  const script =
    'find /etc/kubernetes /etc/hosts /etc/haproxy /etc/keepalived /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env -type f -exec sha256sum {} + -exec stat -c "%n %a %u %g" {} + 2>/dev/null | sort'
  const files = await Promise.all(
    lab.nodes.map(async (node) => [node.spec.short, hash(await node.must(['sh', '-c', `${script}; true`]))] as const),
  )
  const maps = await lab
    .node('cp1')
    .must([
      'kubectl',
      'get',
      'configmap',
      '-n',
      'kube-system',
      'kubeadm-config',
      'kube-proxy',
      '-o',
      'jsonpath={.items[*].data}',
    ])
  const info = await lab
    .node('cp1')
    .must(['kubectl', 'get', 'configmap', '-n', 'kube-public', 'cluster-info', '-o', 'jsonpath={.data.kubeconfig}'])
  return { ...Object.fromEntries(files), maps: hash(maps), info: hash(info) }
}

for (const version of realVersions) {
  t.test(`Kubernetes ${version}`, async (t) => {
    const lab = await labForTest(t, version)
    const before = await fingerprint(lab)
    const stateBefore = await stateOf(lab)

    await t.test('plan shows every step and changes nothing', async (t) => {
      const plan = await capture(...lab.quorate(['plan', '-f', lab.clusterFile]))
      t.equal(plan.exitCode, 0, plan.stdout + plan.stderr)
      t.match(plan.stdout, /join-control-planes/)
      t.same(await fingerprint(lab), before, 'not one byte was changed')
    })

    await t.test('convert ends well and no request fails', async (t) => {
      const { exitCode, output, probes } = await convertUnderProbes(lab)
      t.equal(exitCode, 0, output)
      t.comment(JSON.stringify(probes))
      for (const probe of probes) {
        t.ok(probe.count > 20, `${probe.name} was probed`)
        t.same(probe.errors, {}, `no failed request at ${probe.name}`)
      }
    })

    await t.test('etcd has three voters, by every member', async (t) => {
      for (const node of lab.controlPlanes) {
        const members = JSON.parse(
          await node.must(['sh', '-c', `${etcdctl} --endpoints=https://${node.address}:2379 member list`]),
        ).members
        t.equal(members.length, 3)
        t.notOk(members.some((member: { isLearner?: boolean }) => member.isLearner))
      }
    })

    await t.test('nothing but its own files names the first control plane', async (t) => {
      const old = `https://${lab.node('cp1').address}:6443`
      for (const node of [...lab.workers, ...lab.controlPlanes.slice(1)]) {
        const found = await node.sh(['grep', '-rl', old, '/etc/kubernetes'])
        t.equal(found.stdout, '', `${node.spec.short} has no file that names ${old}`)
      }
      const info = await lab
        .node('cp1')
        .must(['kubectl', '-n', 'kube-public', 'get', 'cm', 'cluster-info', '-o', 'jsonpath={.data.kubeconfig}'])
      t.match(info, 'server: https://apiserver.example.com:8443')
    })

    await t.test('verify agrees, and converting again finds nothing to do', async (t) => {
      const verify = await capture(...lab.quorate(['verify', '-f', lab.clusterFile]))
      t.equal(verify.exitCode, 0, verify.stdout + verify.stderr)
      const again = await fingerprint(lab)
      const second = await capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
      t.equal(second.exitCode, 0, second.stdout + second.stderr)
      t.same(await fingerprint(lab), again)
    })

    await t.test('no secret is left on a node or with the coordinator', async (t) => {
      for (const node of lab.controlPlanes) {
        t.equal(
          (await node.must(['find', '/run/quorate-agent', '-type', 'f', '!', '-name', '*.loaded'])).trim(),
          '',
          `nothing in ${node.spec.short}:/run/quorate-agent`,
        )
      }
      const secrets = await lab.node('cp1').must(['kubectl', '-n', 'kube-system', 'get', 'secrets', '-o', 'name'])
      t.notMatch(secrets, 'kubeadm-certs')
      const leaked = await capture('grep', [
        '-rlE',
        'BEGIN (EC |RSA )?PRIVATE KEY|client-key-data: [A-Za-z0-9+/]{40}',
        `${lab.stateFolder}/runs`,
      ])
      t.equal(leaked.stdout, '', 'the journal holds no key')
    })

    await t.test('a worker that joins now is pointed at the endpoint', async (t) => {
      const worker = lab.workers[0]
      if (worker === undefined) return
      const conf = await worker.must(['cat', '/etc/kubernetes/kubelet.conf'])
      t.match(conf, 'server: https://apiserver.example.com:8443')
    })

    await t.test('rollback gives the one control plane back as it was, and no request fails', async (t) => {
      const [run = ''] = readdirSync(`${lab.stateFolder}/runs`)
        .sort()
        .map((name) => basename(name, '.jsonl'))
      const probes = await Probes.directWithWrites(lab)
      const started = Date.now()
      const undo = await capture(...lab.quorate(['rollback', run, '--yes']))
      t.comment(`undone in ${Math.round((Date.now() - started) / 1000)} s`)
      t.equal(undo.exitCode, 0, undo.stdout + undo.stderr)
      for (const probe of await probes.stop()) {
        t.comment(JSON.stringify(probe))
        t.same(probe.errors, {}, `no failed request at ${probe.name}`)
      }
      t.same(differences(stateBefore, await stateOf(lab)), [])
      const members = await lab
        .node('cp1')
        .must(['sh', '-c', `${etcdctl} --endpoints=https://127.0.0.1:2379 member list`])
      t.equal(JSON.parse(members).members.length, 1)
    })

    await t.test('what was undone can be converted again', async (t) => {
      const again = await capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
      t.equal(again.exitCode, 0, again.stdout + again.stderr)
    })

    await t.test('the API answers through the endpoint after a power-cut of the first control plane', async (t) => {
      const probes = Probes.endpoint(lab)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      lab.node('cp1').kill()
      const cp2 = lab.node('cp2')
      // Through the endpoint (admin.conf names it): a write, and an API server that calls itself ready, within a minute.
      const works = async (attempt: number): Promise<boolean> => {
        const wrote = await cp2.sh([
          ...['kubectl', '-n', 'default', 'create', 'configmap', `after-power-cut-${attempt}`, '--request-timeout=3s'],
        ])
        const ready = await cp2.sh(['kubectl', 'get', '--raw', '/readyz', '--request-timeout=3s'])
        return wrote.exitCode === 0 && ready.stdout === 'ok'
      }
      let answered = false
      for (const deadline = Date.now() + 60_000; !answered && Date.now() < deadline; )
        answered = await works(Date.now())
      t.ok(answered, 'a write and /readyz through the endpoint')
      const [probe] = await probes.stop()
      t.comment(JSON.stringify(probe))
      t.ok((probe?.longestGapMs ?? Number.POSITIVE_INFINITY) < 10_000, 'the endpoint answered again')
    })
  })
}
