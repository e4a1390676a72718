import type { Test } from 'tap'
import type { Lab } from '../../../lab/real/lab.js'
import { capture } from '../../../lab/real/machines/shell.js'
import { joinControlPlane, joinWorker, renewCertificates, upgrade } from '../by-hand.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'
import { livedSimulated } from './lived-simulated.js'

/** The patch release that follows each. */
const next: Readonly<Record<string, string>> = { 'v1.34.3': 'v1.34.4', 'v1.37.1': 'v1.37.2' }

export const itStaysSo: Scenario = {
  id: 'it-stays-so',
  title:
    'after the conversion: `kubeadm certs renew all`, `kubeadm upgrade`, a worker and a control plane joined by hand',
  group: 'afterwards',
  outcome: 'converted',
  note: 'Nothing points back to the first control plane. A worker that was joined by hand goes to the endpoint, and `verify` tells that the cluster file forgets it; of a fourth control plane it warns that the file does not name it, and that four voters outlive no more than three.',
  simulated: { versions: ['v1.37.2', 'v1.30.4'], try: livedSimulated },
  real: {
    versions: ['v1.34.3', 'v1.37.1'],
    try: (t, version) =>
      convertsReal(t, version, { with: ['spare-machines'], looks: (lab) => lived(t, lab, next[version] ?? '') }),
  },
}

async function lived(t: Test, lab: Lab, version: string): Promise<void> {
  const [w9, cp4] = [lab.node('w9'), lab.node('cp4')]
  await t.test('kubeadm certs renew all', async (t) => {
    for (const node of lab.controlPlanes) await renewCertificates(lab, node)
    await staysSo(t, lab)
  })
  await t.test(`kubeadm upgrade to ${version}`, async (t) => {
    t.match(await upgrade(lab, version), `kubeadm upgrade apply ${version}`)
    await staysSo(t, lab)
  })
  await t.test('a worker joined by hand', async (t) => {
    await joinWorker(lab, w9)
    t.match(await w9.must(['grep', 'server:', '/etc/kubernetes/kubelet.conf']), 'https://apiserver.example.com:8443')
    t.match(await staysSo(t, lab), `warning nodes-ready on ${w9.spec.name}`)
  })
  await t.test('a fourth control plane joined by hand', async (t) => {
    await joinControlPlane(lab, cp4)
    const said = await staysSo(t, lab)
    t.match(said, `warning etcd on ${cp4.spec.name}`)
    t.match(said, 'etcd has 4 voters')
  })
}

async function staysSo(t: Test, lab: Lab): Promise<string> {
  await pointsElsewhere(t, lab)
  const { exitCode, stdout, stderr } = await capture(...lab.quorate(['verify', '-f', lab.clusterFile]))
  t.equal(exitCode, 0, exitCode === 0 ? 'verify agrees' : stdout + stderr)
  return stdout
}

/** No file of another node and no ConfigMap names the first control plane's API server. */
async function pointsElsewhere(t: Test, lab: Lab): Promise<void> {
  const cp1 = lab.node('cp1')
  const old = `${cp1.address}:${lab.apiPort}`
  for (const node of lab.nodes.filter((each) => each !== cp1)) {
    const { stdout } = await node.sh([
      // What kubeadm upgrade leaves in tmp are copies of etcd's data, which has every value that ever was.
      ...['grep', '-rl', '--exclude-dir=tmp', old, '/etc/kubernetes', '/var/lib/kubelet/config.yaml'],
    ])
    t.equal(stdout, '', `no file of ${node.spec.short} names ${old}`)
  }
  const admin = await cp1.must(['grep', 'server:', '/etc/kubernetes/admin.conf'])
  t.match(admin, 'https://apiserver.example.com:8443', 'admin.conf')
  const maps = await cp1.must(['kubectl', 'get', 'configmaps', '-A', '-o', 'json'])
  for (const { metadata, data } of (JSON.parse(maps) as { items: { metadata: { name: string }; data?: unknown }[] })
    .items)
    t.notMatch(JSON.stringify(data ?? {}), old, metadata.name)
}
