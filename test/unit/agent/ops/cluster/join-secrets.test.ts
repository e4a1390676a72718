import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSealing } from '@quorate/agent/host/age-sealing'
import { placeJoinSecret } from '@quorate/agent/ops/cluster/join-secret'
import { createJoinToken } from '@quorate/agent/ops/create-join-token'
import { deleteJoinSecrets } from '@quorate/agent/ops/delete-join-secrets'
import { probeDiscovery } from '@quorate/agent/ops/probe-discovery'
import { uploadCertificates } from '@quorate/agent/ops/upload-certificates'
import { setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import type { Json } from '../../../../support/api-server.js'
import {
  type ControlPlaneNode,
  controlPlaneNode,
  type NodeOptions,
  runId,
} from '../../../../support/control-plane-node.js'
import { identityOf, noneDenied, recipientOf } from '../../../../support/node-identities.js'

const secrets = '/api/v1/namespaces/kube-system/secrets'
const certsPath = `${secrets}/kubeadm-certs`
const files = [
  'ca.crt',
  'ca.key',
  'front-proxy-ca.crt',
  'front-proxy-ca.key',
  'sa.pub',
  'sa.key',
  'etcd-ca.crt',
  'etcd-ca.key',
]
const joinerSealing = () => createSealing(identityOf('cp2'), noneDenied)

/** A control plane whose cluster has an endpoint. */
async function readyForJoiners(t: Parameters<typeof controlPlaneNode>[0], options?: NodeOptions) {
  const node = await controlPlaneNode(t, options)
  const config = node.api.objects.get('/api/v1/namespaces/kube-system/configmaps/kubeadm-config') as Json
  const { ClusterConfiguration: text } = config['data']
  config['data'].ClusterConfiguration = setControlPlaneEndpoint(text, `kubernetes:${node.api.port}`, [])
  return node
}
const plain = (value: string): string => Buffer.from(value, 'base64').toString('utf8')

/** Prints the key as kubeadm does, and leaves a mark at which the test's API server gets the Secret. */
const kubeadm = `
config="$QUORATE_HOST_ROOT$6"; cp "$config" "$QUORATE_HOST_ROOT/seen.yaml"; stat -c %a "$config" > "$QUORATE_HOST_ROOT/mode"
echo "[upload-certs] Storing the certificates in Secret kubeadm-certs"
echo "[upload-certs] Using certificate key:"; sed -n 's/^certificateKey: //p' "$config"
echo "I1122 a warning of klog" >&2
[ -e "$QUORATE_HOST_ROOT/fails" ] && { echo "error: key $(sed -n 's/^certificateKey: //p' "$config") is of no use" >&2; exit 1; }
exit 0
`

const everyFile = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'seen.yaml')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

/** The Secret as kubeadm writes it, at once with the question whether it is there already. */
function whenAsked(node: ControlPlaneNode, data: Record<string, string>): void {
  const get = node.api.objects.get.bind(node.api.objects)
  node.api.objects.get = (path: string) => {
    if (path === certsPath && existsSync(join(node.root, 'seen.yaml')) && !node.api.objects.has(path)) {
      node.api.objects.set(path, {
        metadata: {
          name: 'kubeadm-certs',
          resourceVersion: '77',
          ownerReferences: [{ kind: 'Secret', name: 'bootstrap-token-owner1' }],
        },
        data,
      })
    }
    return get(path)
  }
}

const complete = Object.fromEntries(files.map((name) => [name, 'ZW5jcnlwdGVk']))

t.test('a token is a Secret as kubeadm makes them, signed in cluster-info, and sealed to each joiner', async (t) => {
  const node = await readyForJoiners(t)
  const joiner = await joinerSealing()
  const request = {
    header: undefined,
    recipients: [recipientOf('cp2', joiner)],
    tokenTtlSeconds: 3600,
  }
  const { facts, sealed } = await createJoinToken.run(request, node.context())
  const secret = node.api.objects.get(`${secrets}/bootstrap-token-${facts['token_id']}`) as Json
  const data = Object.fromEntries(
    Object.entries(secret['data'] as Record<string, string>).map(([key, value]) => [key, plain(value)]),
  )
  t.equal(secret['type'], 'bootstrap.kubernetes.io/token')
  t.match(data, {
    'usage-bootstrap-signing': 'true',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    description: /^quorate run 20261122t172915-abc123$/,
    expiration: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  })
  const seconds = (Date.parse(data['expiration'] ?? '') - Date.now()) / 1000
  t.ok(seconds > 3590 && seconds <= 3600)
  const opened = JSON.parse(
    Buffer.from(
      await joiner.open(sealed[0]?.ciphertext ?? Buffer.alloc(0), { purpose: 'join-token', runId }),
    ).toString(),
  )
  t.same(opened, {
    token: `${data['token-id']}.${data['token-secret']}`,
    certificateKey: '',
    endpoint: `kubernetes:${node.api.port}`,
    caPem: node.ca.certPem,
  })
  const about = { purpose: 'join-token', runId } as const
  await t.rejects((await joinerSealing()).open(sealed[0]?.ciphertext ?? Buffer.alloc(0), about), {
    code: 'SECRET_NOT_FOR_US',
  })
})

t.test('a token for nobody, for no node, or without an end is refused before it is made', async (t) => {
  const node = await readyForJoiners(t)
  const to = recipientOf('cp2', await joinerSealing())
  for (const [recipients, tokenTtlSeconds] of [
    [[], 3600],
    [[{ ...to, recipient: '' }], 3600],
    [[{ ...to, node: '-x' }], 3600],
    [[to], 0],
  ] as const) {
    await t.rejects(
      createJoinToken.run({ header: undefined, recipients: [...recipients], tokenTtlSeconds }, node.context()),
      { code: 'INVALID_REQUEST' },
    )
  }
  t.notOk(node.api.asked.some((line) => line.startsWith('POST')))
})

/** The moments at which the making of a token is interrupted, each seen by the API server. */
const interruptions = {
  'before the answer to its making came': (api: ControlPlaneNode['api'], stop: () => void) => {
    const set = api.objects.set.bind(api.objects)
    api.objects.set = (path: string, object: Json) => {
      if (path.includes('/bootstrap-token-')) stop()
      return set(path, object)
    }
  },
  'when the server ends the connection instead of answering': (api: ControlPlaneNode['api']) => {
    const set = api.objects.set.bind(api.objects)
    api.objects.set = (path: string, object: Json) => {
      if (path.includes('/bootstrap-token-')) api.drop()
      return set(path, object)
    }
  },
  'in the wait for its signature': (api: ControlPlaneNode['api'], stop: () => void) => {
    const get = api.objects.get.bind(api.objects)
    api.objects.get = (path: string) => {
      if (path.endsWith('/configmaps/cluster-info')) stop()
      return get(path)
    }
  },
}
for (const [when, interrupt] of Object.entries(interruptions)) {
  t.test(`a token whose making is interrupted ${when} is not left behind`, async (t) => {
    const node = await readyForJoiners(t, { signs: false })
    const to = recipientOf('cp2', await joinerSealing())
    const stop = new AbortController()
    interrupt(node.api, () => stop.abort(new Error('stopped')))
    const request = { header: undefined, recipients: [to], tokenTtlSeconds: 3600 }
    await t.rejects(createJoinToken.run(request, { ...node.context(), signal: stop.signal }))
    t.match(node.api.asked.at(-1), /^DELETE .*bootstrap-token-/)
    t.same(
      [...node.api.objects.keys()].filter((path) => path.includes('/bootstrap-token-')),
      [],
    )
  })
}

t.test('uploads under a key that only the joiners learn: it is in no file, no journal, no result', async (t) => {
  const node = await readyForJoiners(t, { programs: { kubeadm } })
  whenAsked(node, complete)
  const joiner = await joinerSealing()
  const request = {
    header: undefined,
    recipients: [recipientOf('cp2', joiner)],
    tokenTtlSeconds: 3600,
  }
  const result = await uploadCertificates.run(request, node.context())
  const opened = JSON.parse(
    Buffer.from(
      await joiner.open(result.sealed[0]?.ciphertext ?? Buffer.alloc(0), { purpose: 'join-secret', runId }),
    ).toString(),
  )
  const [init, cluster] = parseAllDocuments(node.text('/seen.yaml')).map((one) => one.toJS())
  t.match(opened.certificateKey, /^[0-9a-f]{64}$/)
  t.equal(init.certificateKey, opened.certificateKey)
  t.match(init.localAPIEndpoint, { advertiseAddress: '127.0.0.1', bindPort: node.api.port })
  t.equal(cluster.kind, 'ClusterConfiguration')
  t.equal(node.text('/mode').trim(), '600')
  t.match(node.text('/last-journal'), 'a warning of klog', 'errors still reach the journal')
  t.notMatch(everyFile(node.root), opened.certificateKey)
  t.notMatch(JSON.stringify(result), opened.certificateKey)
  t.notMatch(JSON.stringify(node.progress), opened.certificateKey)
  t.match(result.facts, { token_id: opened.token.slice(0, 6) })
  t.notMatch(node.text('/ran'), opened.certificateKey)
})

t.test('a failed upload tells why, without the key', async (t) => {
  const node = await readyForJoiners(t, { programs: { kubeadm } })
  node.write('/fails', '')
  const to = recipientOf('cp2', await joinerSealing())
  const request = { header: undefined, recipients: [to], tokenTtlSeconds: 3600 }
  await t.rejects(uploadCertificates.run(request, node.context()), {
    code: 'COMMAND_FAILED',
    message: /key <certificate key> is of no use/,
  })
  t.notOk(existsSync(join(node.root, 'run/quorate-agent/op-1')))
})

t.test('a Secret that kubeadm did not write anew or not whole is no base for a join', async (t) => {
  const to = recipientOf('cp2', await joinerSealing())
  const request = { header: undefined, recipients: [to], tokenTtlSeconds: 3600 }
  const partial = await readyForJoiners(t, { programs: { kubeadm } })
  whenAsked(partial, { ...complete, 'sa.key': '', 'ca.key': '' })
  await t.rejects(uploadCertificates.run(request, partial.context()), {
    code: 'COMMAND_FAILED',
    message: /lacks ca\.key, sa\.key$/,
  })
  const stale = await readyForJoiners(t, { programs: { kubeadm } })
  stale.api.objects.set(certsPath, { metadata: { name: 'kubeadm-certs', resourceVersion: '5' }, data: complete })
  await t.rejects(uploadCertificates.run(request, stale.context()), {
    code: 'COMMAND_FAILED',
    message: /did not write/,
  })
  t.notOk(
    stale.api.asked.some((line) => line.startsWith('POST')),
    'no token was made for it',
  )
})

t.test(
  'deletes what was made for joining, also what kubeadm made to own it in an attempt that broke off',
  async (t) => {
    const node = await readyForJoiners(t)
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const described: Record<string, string> = {
      abcdef: 'quorate run 1',
      owner1: 'Proxy for managing TTL for the kubeadm-certs secret',
      owner2: 'Proxy for managing TTL for the kubeadm-certs secret',
      others: "somebody's own",
    }
    for (const [id, description] of Object.entries(described)) {
      const name = `bootstrap-token-${id}`
      const data = { 'token-id': base64(id), description: base64(description) }
      node.api.objects.set(`${secrets}/${name}`, { metadata: { name }, type: 'bootstrap.kubernetes.io/token', data })
    }
    node.api.objects.set(certsPath, {
      metadata: { name: 'kubeadm-certs', ownerReferences: [{ kind: 'Secret', name: 'bootstrap-token-owner2' }] },
    })
    t.notOk(
      (await deleteJoinSecrets.run({ header: undefined, tokenId: 'abcdef', withRole: false }, node.context()))
        .unchanged,
    )
    t.same(
      [...node.api.objects.keys()].filter((path) => path.startsWith(secrets)),
      [`${secrets}/bootstrap-token-others`],
    )
    t.ok(
      (await deleteJoinSecrets.run({ header: undefined, tokenId: 'abcdef', withRole: false }, node.context('op-2')))
        .unchanged,
    )
    await t.rejects(
      deleteJoinSecrets.run({ header: undefined, tokenId: '../../x', withRole: false }, node.context('op-3')),
      {
        code: 'INVALID_REQUEST',
      },
    )
  },
)

t.test('and where this run had kubeadm make them, the Role and RoleBinding for the Secret', async (t) => {
  const node = await readyForJoiners(t)
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system'
  const paths = [`${rbac}/roles/kubeadm:kubeadm-certs`, `${rbac}/rolebindings/kubeadm:kubeadm-certs`]
  for (const path of paths) node.api.objects.set(path, { metadata: { name: 'kubeadm:kubeadm-certs' } })
  const wish = { header: undefined, tokenId: 'abcdef' }
  await deleteJoinSecrets.run({ ...wish, withRole: false }, node.context())
  t.ok(
    paths.every((path) => node.api.objects.has(path)),
    'left where nobody asks',
  )
  await deleteJoinSecrets.run({ ...wish, withRole: true }, node.context('op-2'))
  t.notOk(paths.some((path) => node.api.objects.has(path)))
})

t.test('discovery: cluster-info without credentials, and the signature of the placed token', async (t) => {
  // getent as a node with this name would answer.
  const node = await readyForJoiners(t, { programs: { getent: 'echo "127.0.0.1 STREAM localhost"' } })
  const joiner = await joinerSealing()
  const signal = new AbortController().signal
  const request = { endpoint: `kubernetes:${node.api.port}`, caPem: '', byFile: false }
  t.match(await probeDiscovery.run(request, node.tools, signal), { signatureValid: false, error: /no join secret/ })
  const wish = { header: undefined, recipients: [recipientOf('cp2', joiner)], tokenTtlSeconds: 3600 }
  const { sealed } = await createJoinToken.run(wish, node.context())
  const secret = JSON.parse(
    Buffer.from(
      await joiner.open(sealed[0]?.ciphertext ?? Buffer.alloc(0), { purpose: 'join-token', runId }),
    ).toString(),
  )
  await placeJoinSecret(node.host, secret)
  t.same(await probeDiscovery.run(request, node.tools, signal), {
    signatureValid: true,
    server: 'https://192.168.13.30:6443',
    error: '',
    tokenAccepted: false,
  })
  const info = node.api.objects.get('/api/v1/namespaces/kube-public/configmaps/cluster-info') as Json
  info['data'].kubeconfig = info['data'].kubeconfig.replace('192.168.13.30', '192.168.13.66')
  t.match(await probeDiscovery.run(request, node.tools, signal), {
    signatureValid: false,
    error: /not that of its text/,
  })
  await placeJoinSecret(node.host, { ...secret, endpoint: 'kubernetes:1' })
  t.match(await probeDiscovery.run({ ...request, endpoint: 'kubernetes:1' }, node.tools, signal), {
    signatureValid: false,
    error: /ECONNREFUSED|refused/,
  })
})

t.test('discovery by file: the placed token is accepted by the API server, or is not', async (t) => {
  const node = await readyForJoiners(t, { programs: { getent: 'echo "127.0.0.1 STREAM localhost"' } })
  const signal = new AbortController().signal
  const request = { endpoint: `kubernetes:${node.api.port}`, caPem: '', byFile: true }
  const token = 'abcdef.0123456789abcdef'
  await placeJoinSecret(node.host, { token, certificateKey: '', endpoint: request.endpoint, caPem: node.ca.certPem })
  t.match(await probeDiscovery.run(request, node.tools, signal), { tokenAccepted: false, error: /answered 401/ })
  node.api.tokens.add(token)
  t.same(await probeDiscovery.run(request, node.tools, signal), {
    signatureValid: false,
    tokenAccepted: true,
    server: `https://kubernetes:${node.api.port}`,
    error: '',
  })
})
