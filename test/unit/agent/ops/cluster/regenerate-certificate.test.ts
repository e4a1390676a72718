import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { regenerateCertificate } from '@quorate/agent/ops/regenerate-certificate'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { type ControlPlaneNode, controlPlaneNode, nodeName, runId } from '../../../../support/control-plane-node.js'

const crt = '/etc/kubernetes/pki/apiserver.crt'
const key = '/etc/kubernetes/pki/apiserver.key'
const request = {
  header: undefined,
  sans: ['192.168.13.100'],
  controlPlaneEndpoint: 'apiserver.example.com:8443',
  expectedSerial: '',
}

/** Puts the pair that the test has issued where the configuration says; keeps the configuration and a listing of the folder. */
const kubeadm = `
config="$QUORATE_HOST_ROOT$6"
cp "$config" "$QUORATE_HOST_ROOT/seen.yaml"
dir="$QUORATE_HOST_ROOT$(sed -n 's/^certificatesDir: //p' "$config")"
stat -c '%a %n' "$config" "$dir"/* > "$QUORATE_HOST_ROOT/modes"
echo '[certs] Generating "apiserver" certificate and key'
[ -e "$QUORATE_HOST_ROOT/fails" ] && { echo "error execution phase certs/apiserver: no such thing" >&2; exit 1; }
cp "$QUORATE_HOST_ROOT/next.crt" "$dir/apiserver.crt"; cp "$QUORATE_HOST_ROOT/next.key" "$dir/apiserver.key"
`

async function prepared(t: Test) {
  const node = await controlPlaneNode(t, { programs: { kubeadm } })
  const issue = (change: Partial<Parameters<typeof issueCertificate>[0]> = {}): KeyPair =>
    issueCertificate({
      ca: node.ca,
      commonName: 'kube-apiserver',
      organizations: [],
      dnsNames: [nodeName, 'kubernetes', 'apiserver.example.com'],
      ipAddresses: ['127.0.0.1', '10.96.0.1', '192.168.13.100'],
      days: 365,
      usage: 'server',
      ...change,
    })
  const give = (pair: KeyPair): void => {
    node.write('/next.crt', pair.certPem)
    node.write('/next.key', pair.keyPem)
  }
  return { node, issue, give }
}

/** The API server loads its files when they fit, as kube-apiserver does. */
function reloading(node: ControlPlaneNode, t: Test): void {
  const timer = setInterval(() => {
    try {
      node.api.reload({ certPem: node.text(crt), keyPem: node.text(key) })
    } catch {
      // the pair does not match yet, or the test's folder is gone
    }
  }, 50)
  t.teardown(() => clearInterval(timer))
}

const inUse = (node: ControlPlaneNode): string => node.text(crt) + node.text(key)

t.test(
  'issues with the true name and address and the union of the names, swaps, and sees it in a handshake',
  async (t) => {
    const { node, issue, give } = await prepared(t)
    give(issue())
    reloading(node, t)
    const { facts, touched, unchanged } = await regenerateCertificate.run(
      { ...request, expectedSerial: readCertificate(node.serving.certPem).serial },
      node.context(),
    )
    t.notOk(unchanged)
    t.equal(facts['previous_serial'], readCertificate(node.serving.certPem).serial)
    t.equal(facts['serial'], readCertificate(node.text('/next.crt')).serial)
    t.equal(inUse(node), node.text('/next.crt') + node.text('/next.key'))
    t.same(
      touched.map(({ name }) => name),
      [key, crt],
    )
    const [init, cluster] = parseAllDocuments(node.text('/seen.yaml')).map((one) => one.toJS())
    t.match(init, {
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: '127.0.0.1', bindPort: node.api.port },
      nodeRegistration: { name: nodeName },
    })
    t.equal(cluster.certificatesDir, '/run/quorate-agent/op-1/pki')
    t.same(
      [...cluster.apiServer.certSANs].sort(),
      ['10.96.0.1', '127.0.0.1', '192.168.13.100', 'apiserver.example.com', nodeName, 'kubernetes'].sort(),
    )
    t.notMatch(
      node.api.objects.get('/api/v1/namespaces/kube-system/configmaps/kubeadm-config')?.['data'].ClusterConfiguration,
      /quorate/,
    )
    for (const line of node.text('/modes').trim().split('\n'))
      t.match(line, /^600 /, 'the CA key is staged for root alone')
    t.notOk(existsSync(join(node.root, 'run/quorate-agent/op-1')), 'staging is wiped')
    const kept = join(node.root, `var/lib/quorate-agent/backups/${runId}/files${crt}.age`)
    t.equal((await node.tools.backups.open(readFileSync(kept), kept)).toString(), node.serving.certPem)
    t.match(node.progress, [/Generating "apiserver"/])
    const again = await regenerateCertificate.run(request, node.context('op-2'))
    t.match(again, { unchanged: true, facts: { serial: facts['serial'] } })
  },
)

t.test('what kubeadm issued must be fit, or nothing is touched and staging is wiped', async (t) => {
  const foreign = createFleetCa('foreign')
  const bad: [RegExp, (issue: (change?: object) => KeyPair) => KeyPair][] = [
    [/not signed by its CA/, (issue) => issue({ ca: foreign })],
    [/lacks 192\.168\.13\.100/, (issue) => issue({ ipAddresses: ['127.0.0.1', '10.96.0.1'] })],
    [/lacks kubernetes/, (issue) => issue({ dnsNames: [nodeName, 'apiserver.example.com'] })],
    [/not valid for servers/, (issue) => issue({ usage: 'client' })],
    [/it expires on/, (issue) => issue({ days: 0.5 })],
    [/its key does not match/, (issue) => ({ certPem: issue().certPem, keyPem: issue().keyPem })],
  ]
  for (const [message, make] of bad) {
    const { node, issue, give } = await prepared(t)
    give(make(issue))
    const before = inUse(node)
    await t.rejects(regenerateCertificate.run(request, node.context()), { code: 'CERTIFICATE_INVALID', message })
    t.equal(inUse(node), before)
    t.notOk(existsSync(join(node.root, 'run/quorate-agent/op-1')))
  }
})

t.test('a kubeadm that fails is told in its own words', async (t) => {
  const { node, issue, give } = await prepared(t)
  give(issue())
  node.write('/fails', '')
  const before = inUse(node)
  await t.rejects(regenerateCertificate.run(request, node.context()), {
    code: 'COMMAND_FAILED',
    message: /exit code 1:[\s\S]*no such thing/,
  })
  t.equal(inUse(node), before)
})

t.test('another certificate than the plan saw, or another place for it, stops it', async (t) => {
  const { node, issue, give } = await prepared(t)
  give(issue())
  await t.rejects(regenerateCertificate.run({ ...request, expectedSerial: 'ABCDEF' }, node.context()), {
    code: 'DRIFT',
  })
  const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
  node.write(manifest, node.text(manifest).replace('--tls-cert-file=/etc/kubernetes/pki/', '--tls-cert-file=/srv/pki/'))
  await t.rejects(regenerateCertificate.run(request, node.context('op-2')), {
    code: 'NOT_IN_TABLE',
    message: /\/srv\/pki\/apiserver\.crt/,
  })
  t.notOk(existsSync(join(node.root, 'ran')), 'kubeadm was not run')
})

t.test('half swapped when the power was cut: said so, and mended under a new id', async (t) => {
  const { node, issue, give } = await prepared(t)
  const next = issue()
  give(next)
  const look = async () => {
    const seen = await regenerateCertificate.evidence?.(request, { ...node.context(), begunAtUnixMs: Date.now() })
    return [seen?.done, seen?.['pair']]
  }
  t.same(await look(), ['no', 'matches'])
  node.write(key, next.keyPem)
  t.same(await look(), ['no', 'half swapped'])
  reloading(node, t)
  await regenerateCertificate.run(request, node.context('op-2'))
  t.same(await look(), ['yes', 'matches'])
})

t.test('an agent that comes back goes on with what kubeadm has issued, and does not let it issue again', async (t) => {
  const { node, issue, give } = await prepared(t)
  const staged = issue()
  give(staged)
  reloading(node, t)
  await regenerateCertificate.run(request, node.context())
  // As it was when the agent died: kubeadm has ended, its unit is loaded, what it issued lies in tmpfs, the old pair is in use.
  node.write('/run/quorate-agent/op-1/pki/apiserver.crt', staged.certPem)
  node.write('/run/quorate-agent/op-1/pki/apiserver.key', staged.keyPem)
  node.write(crt, node.serving.certPem)
  node.write(key, node.serving.keyPem)
  give(issue())
  const { facts } = (await regenerateCertificate.carrier?.resume(request, node.context())) ?? {}
  t.equal(facts?.['serial'], readCertificate(staged.certPem).serial)
  t.equal(inUse(node), staged.certPem + staged.keyPem)
  t.equal(node.text('/ran').trim().split('\n').length, 1)
})
