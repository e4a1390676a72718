import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { keysElsewhere } from '../../../lab/real/pieces/external-ca.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { requestsLeft, signElsewhere, takeKeysAway } from '../../support/external-ca.js'
import { ended } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

const pki = '/etc/kubernetes/pki'
const says = /13 not signed yet[\s\S]*\(CERTIFICATES_NOT_SIGNED\)[\s\S]*quorate resume/
const joiners = ['cp2', 'cp3']

/** Every file of the operator's folder of requests, by its path there. */
function filesIn(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  return found.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name).slice(folder.length + 1)] : []))
}

/** What is wrong is said of each, and changes nothing; what was never signed is still waited for. */
async function refusesWrongOnes(t: Test, cluster: SimulatedCluster, run: string, keys: string): Promise<void> {
  const folder = join(cluster.stateFolder, 'runs', run, 'csr')
  const file = (name: string): string => join(folder, 'ca', cluster.node('cp2').name, name)
  const stranger = mkdtempSync(join(tmpdir(), 'stranger-'))
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=kubernetes', '-days', '30'],
      ...['-keyout', join(stranger, 'ca.key'), '-out', join(stranger, 'ca.crt')],
    ],
    { stdio: 'pipe' },
  )
  const sign = (name: string, ca: string, ext: string): void => {
    execFileSync(
      'openssl',
      [
        ...['x509', '-req', '-in', file(`${name}.csr`), '-CA', join(ca, 'ca.crt'), '-CAkey', join(ca, 'ca.key')],
        ...['-CAcreateserial', '-days', '30', '-extfile', file(ext), '-out', file(`${name}.crt`)],
      ],
      { stdio: 'pipe' },
    )
  }
  sign('admin.conf', stranger, 'admin.conf.ext')
  sign('apiserver', keys, 'admin.conf.ext')
  writeFileSync(file('scheduler.conf.crt'), readFileSync(file('admin.conf.crt')))
  const again = await cluster.quorate(['resume', run])
  ended(t, again, 4)
  const said = again.stdout + again.stderr
  t.match(said, /admin\.conf\.crt: it is not signed by CN=kubernetes/)
  t.match(said, /apiserver\.crt: it lacks apiserver\.example\.com[^;]*; its extended key usage lacks serverAuth/)
  t.match(said, /scheduler\.conf\.crt: .*its subject is/)
  t.match(said, /10 not signed yet/)
  for (const name of ['admin.conf', 'apiserver', 'scheduler.conf']) rmSync(file(`${name}.crt`))
  rmSync(stranger, { recursive: true })
}

function noKeyTravelled(t: Test, cluster: SimulatedCluster, run: string): void {
  const folder = join(cluster.stateFolder, 'runs', run, 'csr')
  const files = filesIn(folder)
  t.ok(files.length >= 26, 'requests and their extensions')
  const texts = [...files.map((name) => join(folder, name)), join(cluster.stateFolder, 'runs', `${run}.jsonl`)]
  for (const path of texts) t.notMatch(readFileSync(path, 'utf8'), /PRIVATE KEY|client-key-data/, path)
}

function joinedWithoutKeys(t: Test, cluster: SimulatedCluster, cas: readonly string[]): void {
  for (const short of joiners) {
    const { root } = cluster.node(short)
    for (const ca of cas) t.notOk(existsSync(`${root}${pki}/${ca}.key`), `${short} has no ${ca}.key`)
    const manifest = readFileSync(`${root}/etc/kubernetes/manifests/kube-controller-manager.yaml`, 'utf8')
    t.match(manifest, /--cluster-signing-key-file=$/m, `the controller-manager of ${short} signs nothing`)
    const kubelet = readFileSync(`${root}/etc/kubernetes/kubelet.conf`, 'utf8')
    t.match(kubelet, /client-certificate: \/var\/lib\/kubelet\/pki\/kubelet-client-current\.pem/)
  }
}

async function signedElsewhere(t: Test, kubernetesVersion: string, cas: readonly string[], count: RegExp) {
  const keys = mkdtempSync(join(tmpdir(), 'keys-'))
  t.teardown(() => rmSync(keys, { recursive: true }))
  let taken: SimulatedCluster | undefined
  await converts(t, {
    site: { kubernetesVersion },
    prepare: async (cluster) => {
      taken = cluster
      await takeKeysAway(cluster, keys, cas)
    },
    stops: {
      says: count,
      mend: async (cluster, run) => {
        if (cas.length === 1) await refusesWrongOnes(t, cluster, run, keys)
        signElsewhere({ stateFolder: cluster.stateFolder, run, keys })
        noKeyTravelled(t, cluster, run)
      },
    },
    looks: (cluster) => {
      joinedWithoutKeys(t, cluster, cas)
      t.same(requestsLeft(cluster), [], 'no key is in two places')
    },
    undone: true,
  })
  if (taken !== undefined) t.same(requestsLeft(taken), [], 'the keys that were made for it are gone from every node')
}

export const externalCa: Scenario = {
  id: 'external-ca',
  title: 'an external CA: no ca.key on the first control plane',
  group: 'control plane',
  outcome: 'converted',
  note: 'The run makes the keys on their nodes and the requests, ends once before anything is changed, and `resume` goes on with what was signed elsewhere: [runbook](runbook.md#external-ca).',
  simulated: { versions: ['v1.37.2', 'v1.30.4'], try: (t, version) => signedElsewhere(t, version, ['ca'], says) },
  real: {
    versions: ['v1.37.2', 'v1.30.4'],
    try: (t, version) =>
      convertsReal(t, version, {
        with: ['external-ca'],
        stops: {
          says,
          mend: async (lab, run) => signElsewhere({ stateFolder: lab.stateFolder, run, keys: keysElsewhere(lab) }),
        },
        undone: true,
      }),
  },
}

export const externalCas: Scenario = {
  id: 'external-cas',
  title: 'every CA external: the keys of etcd’s and the front proxy’s are elsewhere too',
  group: 'control plane',
  outcome: 'converted',
  note: 'As with the cluster’s CA alone; there is a request for each certificate of theirs too.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, version) =>
      signedElsewhere(
        t,
        version,
        ['ca', 'front-proxy-ca', 'etcd/ca'],
        /23 not signed yet[\s\S]*(CERTIFICATES_NOT_SIGNED)/,
      ),
  },
}
