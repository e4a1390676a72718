import { createPublicKey } from 'node:crypto'
import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { readCertificateRequest } from '@quorate/shared/certificate-request'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { isIpAddress } from '@quorate/shared/names'
import { keyMatches } from '@quorate/shared/pki'
import { filePlace } from '@quorate/shared/text-place'
import t, { type Test } from 'tap'
import { forgetCertificateRequests } from '../../../../agent/src/ops/forget-certificate-requests.js'
import { placeSignedCertificates } from '../../../../agent/src/ops/place-signed-certificates.js'
import { requestCertificates } from '../../../../agent/src/ops/request-certificates.js'
import { restoreBackup } from '../../../../agent/src/ops/restore-backup.js'
import { installSigned } from '../../../../agent/src/ops/signed-elsewhere/install.js'
import { readExternalCaFacts, readSigned } from '../../../../agent/src/ops/signed-elsewhere/requests.js'
import { type Identity, issue, newKey } from '../../../../lab/simulated/certificates.js'
import { fixtureData } from '../../../support/fixtures.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const folder = `/var/lib/quorate-agent/requests/${runId}`
const names = ['apiserver', 'kubelet.conf']

/** As `kubeadm certs generate-csr` leaves what it makes, by openssl's hand. */
const kubeadm = `
[ "$1 $2" = "certs generate-csr" ] || exit 2
[ ! -e "$QUORATE_HOST_ROOT/run/kubeadm-fails" ] || { echo "error: no ClusterConfiguration" >&2; exit 1; }
config="$QUORATE_HOST_ROOT$4"; pki="$QUORATE_HOST_ROOT$6"; conf="$QUORATE_HOST_ROOT$8"; echo made >> "$QUORATE_HOST_ROOT/run/made"
grep -q "^ *advertiseAddress: 192.168.13.31$" "$config" && grep -q "controlPlaneEndpoint: api.example.com:8443" "$config" || exit 3
mkdir -p "$pki"
openssl req -newkey rsa:2048 -nodes -keyout "$pki/apiserver.key" -out "$pki/apiserver.csr" -subj /CN=kube-apiserver -addext "subjectAltName=$(cat "$QUORATE_HOST_ROOT/run/sans")" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout "$conf/k.key" -out "$conf/kubelet.conf.csr" -subj /O=system:nodes/CN=system:node:cp2 2>/dev/null
printf 'apiVersion: v1\\nkind: Config\\nclusters:\\n- cluster: {server: "https://api.example.com:8443"}\\n  name: kubernetes\\ncontexts:\\n- context: {cluster: kubernetes, user: system:node:cp2}\\n  name: c\\ncurrent-context: c\\nusers:\\n- name: system:node:cp2\\n  user: {client-key-data: %s}\\n' "$(base64 -w0 < "$conf/k.key")" > "$conf/kubelet.conf"
`

const sans =
  'DNS:api.example.com,DNS:cp2,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:192.168.13.31'

const asked = {
  names,
  clusterConfiguration: `${fixtureData('v1.37.2', 'before/cm-kubeadm-config.yaml', 'ClusterConfiguration')}controlPlaneEndpoint: api.example.com:8443\n`,
  nodeName: 'cp2',
  advertiseAddress: '192.168.13.31',
  bindPort: 6443,
}

async function joiner(t: Test): Promise<{ node: OpsNode; ca: Identity }> {
  const node = await OpsNode.make(t)
  node.program('kubeadm', kubeadm)
  node.write('/run/sans', sans)
  return { node, ca: issue({ commonName: 'kubernetes', usage: 'ca' }, await newKey()) }
}

/** What the holder of the CA's key makes of a request. */
function sign(node: OpsNode, name: string, ca: Identity) {
  const { commonName, organizations, sans: names } = readCertificateRequest(node.read(`${folder}/${name}.csr`))
  const [dnsNames, ipAddresses] = [names.filter((one) => !isIpAddress(one)), names.filter(isIpAddress)]
  const key = createPublicKey(publicKeyOf(node, name))
  const usage = name === 'apiserver' ? 'server' : 'client'
  const { cert } = issue({ commonName, organizations, usage, dnsNames, ipAddresses }, key, ca)
  return { name, certificatePem: cert, caPem: ca.cert }
}

const publicKeyOf = (node: OpsNode, name: string): string =>
  name === 'apiserver'
    ? node.read(`${folder}/apiserver.key`)
    : (readKubeconfig(node.read(`${folder}/${name}`), place).clientKeyPem ?? '')

const factsOf = (node: OpsNode) => readExternalCaFacts(node.tools)
const placeOf = (node: OpsNode) => ({ host: node.tools.host, folder })

t.test('keys are made once and stay; what is answered is the requests alone', async (t) => {
  const { node } = await joiner(t)
  const first = await node.change(requestCertificates, asked)
  t.same(Object.keys(first.facts), names)
  t.match(readCertificateRequest(first.facts['apiserver'] ?? ''), {
    commonName: 'kube-apiserver',
    sans: sans.split(',').map((san) => san.replace(/^(DNS|IP):/, '')),
  })
  t.notMatch(JSON.stringify(first), /PRIVATE KEY|client-key/)
  for (const name of ['apiserver.key', 'apiserver.csr', 'kubelet.conf', 'kubelet.conf.csr'])
    t.equal(node.mode(`${folder}/${name}`), 0o600, name)
  t.notOk(existsSync(node.path('/run/quorate-agent/op-1')), 'nothing is left in tmpfs')
  const again = await node.change(requestCertificates, asked)
  t.equal(again.unchanged, true)
  t.same(again.facts, first.facts)
  t.equal(node.read('/run/made'), 'made\n', 'kubeadm was asked once')
  const { certificateRequests } = await factsOf(node)
  t.same(
    certificateRequests.map(({ name, runId: run, isSigned }) => [name, run, isSigned]),
    names.map((name) => [name, runId, false]),
  )
  t.match(await rejected(readSigned(placeOf(node))), {
    code: 'CERTIFICATE_INVALID',
    message: /apiserver .*it is not signed yet/,
  })
})

t.test('a kubeadm that fails leaves nothing behind', async (t) => {
  const { node } = await joiner(t)
  node.write('/run/kubeadm-fails', '')
  t.match(await rejected(node.change(requestCertificates, asked)), {
    code: 'COMMAND_FAILED',
    message: /no ClusterConfiguration/,
  })
  t.notOk(existsSync(node.path('/var/lib/quorate-agent/requests')))
})

t.test('a request that is not what was asked for is not kept', async (t) => {
  const { node } = await joiner(t)
  for (const [names, why] of [
    [`${sans},DNS:other.example.com`, /asks for other\.example\.com/],
    [sans.replace('DNS:cp2,', ''), /lacks cp2/],
    [sans.replace('.31', '.30'), /lacks 192\.168\.13\.31; it asks for 192\.168\.13\.30/],
    [`${sans},URI:x`, /neither a DNS name nor/],
  ] as const) {
    node.write('/run/sans', names)
    t.match(await rejected(node.change(requestCertificates, asked)), { code: 'CERTIFICATE_INVALID', message: why })
  }
  node.write('/run/sans', sans)
  t.match(await rejected(node.change(requestCertificates, { ...asked, nodeName: 'cp3' })), {
    message: /lacks cp3; it asks for cp2/,
  })
  t.notOk(existsSync(node.path('/var/lib/quorate-agent/requests')))
})

t.test('only what fits is taken, all or nothing', async (t) => {
  const { node, ca } = await joiner(t)
  await node.change(requestCertificates, asked)
  const other = issue({ commonName: 'kubernetes', usage: 'ca' }, await newKey())
  const [apiserver, kubelet] = [sign(node, 'apiserver', ca), sign(node, 'kubelet.conf', ca)]
  const refused = (certificates: (typeof apiserver)[]) =>
    rejected(node.change(placeSignedCertificates, { certificates }))
  t.match(await refused([apiserver, { ...kubelet, caPem: other.cert }]), {
    message: /kubelet\.conf .*not signed by CN=kubernetes/,
  })
  t.match(await refused([{ ...apiserver, certificatePem: kubelet.certificatePem }]), {
    message: /its key differs from the request/,
  })
  t.match(await refused([{ ...apiserver, name: 'etcd-peer' }]), {
    message: /made no request for the certificate etcd-peer/,
  })
  t.match(await refused([{ ...apiserver, name: 'ca' }]), { code: 'NOT_IN_TABLE' })
  t.ok((await factsOf(node)).certificateRequests.every(({ isSigned }) => !isSigned))
  const placed = await node.change(placeSignedCertificates, { certificates: [apiserver, kubelet] })
  t.equal(placed.touched.length, 4)
  t.ok((await factsOf(node)).certificateRequests.every(({ isSigned }) => isSigned))
  t.equal((await node.change(placeSignedCertificates, { certificates: [apiserver, kubelet] })).unchanged, true)
})

t.test('they are put where kubeadm looks, the kubelet’s as a kubelet keeps its own', async (t) => {
  const { node, ca } = await joiner(t)
  await node.change(requestCertificates, asked)
  const certificates = [sign(node, 'apiserver', ca), sign(node, 'kubelet.conf', ca)]
  await node.change(placeSignedCertificates, { certificates })
  await installSigned(node.tools.host, await readSigned(placeOf(node)))
  t.ok(keyMatches(node.read('/etc/kubernetes/pki/apiserver.crt'), node.read('/etc/kubernetes/pki/apiserver.key')))
  t.equal(node.mode('/etc/kubernetes/pki/apiserver.key'), 0o600)
  const current = '/var/lib/kubelet/pki/kubelet-client-current.pem'
  const view = readKubeconfig(node.read('/etc/kubernetes/kubelet.conf'), place)
  t.match(view, {
    server: 'https://api.example.com:8443',
    caPem: ca.cert,
    clientCertificatePath: current,
    clientKeyPath: current,
  })
  t.equal(view.clientKeyPem, undefined)
  t.ok(lstatSync(node.path(current)).isSymbolicLink(), 'a kubelet refuses to rotate a file')
  const dated = readlinkSync(node.path(current))
  t.match(dated, /^\/var\/lib\/kubelet\/pki\/kubelet-client-[\d-]+\.pem$/)
  t.ok(keyMatches(node.read(dated), node.read(dated)))
  t.equal(node.mode(dated), 0o600)
})

t.test('undone, keys, requests and certificates are gone with their folder', async (t) => {
  const { node, ca } = await joiner(t)
  const made = await node.change(requestCertificates, asked)
  const placed = await node.change(placeSignedCertificates, { certificates: [sign(node, 'apiserver', ca)] })
  for (const { name, sha256After } of [...made.touched, ...placed.touched].reverse())
    await node.change(restoreBackup, { name, expectedSha256: sha256After })
  t.notOk(existsSync(node.path('/var/lib/quorate-agent/requests')))
})

t.test('when all is used nothing is kept, and there is nothing left to undo', async (t) => {
  const { node } = await joiner(t)
  const made = await node.change(requestCertificates, asked)
  t.match(await node.change(forgetCertificateRequests, {}), {
    unchanged: false,
    summary: 'removed 4 files kept for certificates signed elsewhere',
  })
  t.notOk(existsSync(node.path('/var/lib/quorate-agent/requests')))
  t.equal((await node.change(forgetCertificateRequests, {})).unchanged, true)
  for (const { name, sha256After } of made.touched)
    t.equal((await node.change(restoreBackup, { name, expectedSha256: sha256After })).unchanged, true, name)
})

t.test('facts tell the CAs whose key is elsewhere', async (t) => {
  const { node, ca } = await joiner(t)
  for (const name of ['ca', 'etcd/ca']) node.write(`/etc/kubernetes/pki/${name}.crt`, ca.cert)
  node.write('/etc/kubernetes/pki/etcd/ca.key', ca.key, 0o600)
  t.same((await factsOf(node)).externalCas, [{ name: 'ca', certificatePem: ca.cert }])
})
