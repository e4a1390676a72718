import { createHash, createHmac, X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { connect } from 'node:tls'
import { readCertificateRequest } from '@quorate/shared/certificate-request'
import { setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import { leafCertificates } from '@quorate/shared/kubeadm-certificates'
import { initDocuments } from '@quorate/shared/kubeadm-documents'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import type { Test } from 'tap'
import { statusFor } from '../support/with-kubeconfig.js'

const adminConf = filePlace('/etc/kubernetes/admin.conf')

interface LabRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

interface LabNode {
  readonly name: string
  readonly address: string
}

/** What a laboratory must offer so that the same assertions hold the simulated one to what real nodes do. */
export interface LabCluster {
  readonly kubernetesVersion: string
  /** `v1beta3` or `v1beta4`: what this release stores. */
  readonly configApi: 'v1beta3' | 'v1beta4'
  readonly first: LabNode
  /** A machine prepared to join as a control plane, in no cluster yet. */
  readonly joiner: LabNode
  readonly worker: LabNode
  sh(node: LabNode, argv: readonly string[]): Promise<LabRun>
  /** Undefined where there is none. */
  readFile(node: LabNode, path: string): Promise<string | undefined>
  writeFile(node: LabNode, path: string, text: string): Promise<void>
  /** As admin to the first control plane's API server. */
  kube(method: string, path: string, body?: unknown, contentType?: string): Promise<{ status: number; body: unknown }>
  containers(node: LabNode): Promise<readonly { id: string; name: string; running: boolean }[]>
  stopContainer(node: LabNode, id: string): Promise<void>
  /** Bytes of a snapshot from the first control plane's etcd. */
  snapshot(): Promise<Buffer>
  /** Adds an etcd learner that never starts; what etcd says, '' for success. */
  addEtcdLearner(peerUrl: string): Promise<string>
  removeEtcdLearners(): Promise<void>
}

interface Object {
  metadata: { name: string; resourceVersion: string }
  data: Record<string, string>
  spec: Record<string, string>
}

const configMap = (namespace: string, name: string): string => `/api/v1/namespaces/${namespace}/configmaps/${name}`
const merge = 'application/merge-patch+json'
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function eventually<T>(look: () => Promise<T | undefined>, deadlineMs = 60_000): Promise<T | undefined> {
  for (const until = Date.now() + deadlineMs; Date.now() < until; await wait(100)) {
    const seen = await look().catch(() => undefined)
    if (seen !== undefined) return seen
  }
  return undefined
}

/** Certificate that a server shows, verified or not. */
function shown(address: string, port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      if (certificate === undefined) reject(new Error('no certificate'))
      else resolve(certificate)
    })
    socket.on('error', reject)
  })
}

/** Status line of GET /readyz over a raw connection, as the watch asks. */
function readyzWithoutCredentials(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 6443, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () =>
      socket.write(`GET /readyz HTTP/1.1\r\nHost: ${address}:6443\r\n\r\n`),
    )
    socket.once('data', (bytes) => {
      socket.destroy()
      resolve(bytes.toString('latin1').split('\r\n')[0] ?? '')
    })
    socket.on('error', reject)
  })
}

async function readObject(lab: LabCluster, path: string): Promise<Object> {
  const { status, body } = await lab.kube('GET', path)
  if (status !== 200) throw new Error(`GET ${path}: ${status}`)
  return body as Object
}

function initDocument(
  lab: LabCluster,
  clusterConfiguration: string,
  { certificatesDir }: { certificatesDir: string },
): string {
  return `apiVersion: kubeadm.k8s.io/${lab.configApi}
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${lab.first.address}, bindPort: 6443}
nodeRegistration: {name: ${lab.first.name}, criSocket: "unix:///run/containerd/containerd.sock"}
---
${clusterConfiguration.replace(/^certificatesDir:.*$/m, `certificatesDir: ${certificatesDir}`)}`
}

/** Adds a name to apiServer.certSANs of a ClusterConfiguration of either API version. */
function withSan(text: string, name: string): string {
  const sans = `apiServer:\n  certSANs: [${name}]`
  return text.includes('apiServer: {}') ? text.replace('apiServer: {}', sans) : text.replace(/^apiServer:/m, sans)
}

interface Token {
  readonly id: string
  readonly secret: string
}

async function makeToken(lab: LabCluster): Promise<Token> {
  const random = (length: number): string =>
    createHash('sha256').update(`${Math.random()}`).digest('hex').slice(0, length)
  const [id, secret] = [random(6), random(16)]
  const data = {
    'token-id': id,
    'token-secret': secret,
    expiration: new Date(Date.now() + 600_000).toISOString().replace(/\.\d+Z$/, 'Z'),
    'usage-bootstrap-signing': 'true',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  }
  const encoded = Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
  const object = { metadata: { name: `bootstrap-token-${id}` }, type: 'bootstrap.kubernetes.io/token', data: encoded }
  const { status } = await lab.kube('POST', '/api/v1/namespaces/kube-system/secrets', object)
  if (status !== 201) throw new Error(`making a token: ${status}`)
  return { id, secret }
}

/** Whether cluster-info carries this token's signature over its present text. */
async function isSigned(lab: LabCluster, { id, secret }: Token): Promise<true | undefined> {
  const { data } = await readObject(lab, configMap('kube-public', 'cluster-info'))
  const jws = data[`jws-kubeconfig-${id}`]
  if (jws === undefined) return undefined
  const [header = '', , signature] = jws.split('.')
  const text = Buffer.from(data['kubeconfig'] ?? '').toString('base64url')
  return createHmac('sha256', secret).update(`${header}.${text}`).digest('base64url') === signature ? true : undefined
}

async function joinDocument(lab: LabCluster, token: Token): Promise<string> {
  const ca = new X509Certificate((await lab.readFile(lab.first, '/etc/kubernetes/pki/ca.crt')) ?? '')
  const pin = createHash('sha256')
    .update(ca.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  return `apiVersion: kubeadm.k8s.io/${lab.configApi}
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: "${lab.first.address}:6443", token: "${token.id}.${token.secret}", caCertHashes: ["sha256:${pin}"]}
nodeRegistration: {name: ${lab.joiner.name}, criSocket: "unix:///run/containerd/containerd.sock", ignorePreflightErrors: [SystemVerification, FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]}
controlPlane:
  localAPIEndpoint: {advertiseAddress: ${lab.joiner.address}, bindPort: 6443}
  certificateKey: "${'0'.repeat(64)}"
`
}

/** The facts about kubeadm clusters on which the conversion rests, as assertions on a fresh one. Every laboratory must pass them. */
export const clusterContract: readonly (readonly [
  title: string,
  assert: (t: Test, lab: LabCluster) => Promise<void>,
])[] = [
  [
    'kubeadm refuses a second control plane while there is no stable controlPlaneEndpoint, and changes nothing on the joiner',
    async (t, lab) => {
      const token = await makeToken(lab)
      await eventually(() => isSigned(lab, token))
      await lab.writeFile(lab.joiner, '/root/contract-join.yaml', await joinDocument(lab, token))
      const { exitCode, stdout, stderr } = await lab.sh(lab.joiner, [
        'kubeadm',
        'join',
        '--config',
        '/root/contract-join.yaml',
      ])
      t.not(exitCode, 0)
      t.match(
        stdout + stderr,
        "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address",
      )
      t.equal(await lab.readFile(lab.joiner, '/etc/kubernetes/pki/ca.crt'), undefined)
      t.equal(await lab.readFile(lab.joiner, '/etc/kubernetes/kubelet.conf'), undefined)
    },
  ],
  [
    'kubeadm discovers by a file with the token inside',
    async (t, lab) => {
      const token = await makeToken(lab)
      const file = '/root/contract-discovery.conf'
      const ca = Buffer.from((await lab.readFile(lab.first, '/etc/kubernetes/pki/ca.crt')) ?? '').toString('base64')
      await lab.writeFile(
        lab.joiner,
        file,
        `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://${lab.first.address}:6443", certificate-authority-data: ${ca}}}]
users: [{name: u, user: {token: "${token.id}.${token.secret}"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`,
      )
      const byFile = (await joinDocument(lab, token)).replace(
        /^ {2}bootstrapToken: .*$/m,
        `  file: {kubeConfigPath: ${file}}`,
      )
      await lab.writeFile(lab.joiner, '/root/contract-join.yaml', byFile)
      const { stdout, stderr } = await lab.sh(lab.joiner, ['kubeadm', 'join', '--config', '/root/contract-join.yaml'])
      // Refused for want of an endpoint: discovery is done by then.
      t.match(stdout + stderr, 'stable controlPlaneEndpoint address')
    },
  ],
  [
    'kubeadm says by its exit code whether it takes a version of its configuration: what it stores, not what it gave up or has not yet',
    async (t, lab) => {
      const text = await joinDocument(lab, { id: 'abcdef', secret: '0123456789abcdef' })
      const file = '/root/contract-ask.yaml'
      const takes = async (api: string): Promise<boolean> => {
        await lab.writeFile(lab.joiner, file, text.replace(`/${lab.configApi}\n`, `/${api}\n`))
        const { exitCode } = await lab.sh(lab.joiner, ['kubeadm', 'config', 'validate', '--config', file])
        return exitCode === 0
      }
      t.equal(await takes(lab.configApi), true, lab.configApi)
      for (const api of ['v1beta2', 'v1', 'v2']) t.equal(await takes(api), false, api)
    },
  ],
  [
    'kubeadm refuses a bootstrap token that nobody made',
    async (t, lab) => {
      await lab.writeFile(
        lab.joiner,
        '/root/contract-join.yaml',
        (await joinDocument(lab, { id: 'nobody', secret: '0123456789abcdef' })).replace(
          'controlPlane:',
          'timeouts: {discovery: 3s}\ncontrolPlane:',
        ),
      )
      if (lab.configApi === 'v1beta3')
        await lab.writeFile(
          lab.joiner,
          '/root/contract-join.yaml',
          (await joinDocument(lab, { id: 'nobody', secret: '0123456789abcdef' })).replace(
            'nodeRegistration:',
            '  timeout: 3s\nnodeRegistration:',
          ),
        )
      const { exitCode, stdout, stderr } = await lab.sh(lab.joiner, [
        'kubeadm',
        'join',
        '--config',
        '/root/contract-join.yaml',
      ])
      t.not(exitCode, 0)
      t.match(stdout + stderr, /couldn't validate the identity of the API Server/)
    },
  ],
  [
    'kubeadm init phase certs apiserver leaves a certificate that is there, even one that lacks a name, and says so with exit code 0',
    async (t, lab) => {
      const { data } = await readObject(lab, configMap('kube-system', 'kubeadm-config'))
      const text = data['ClusterConfiguration'] ?? ''
      const before = await lab.readFile(lab.first, '/etc/kubernetes/pki/apiserver.crt')
      const phase = ['kubeadm', 'init', 'phase', 'certs', 'apiserver', '--config', '/root/contract.yaml']
      await lab.writeFile(
        lab.first,
        '/root/contract.yaml',
        initDocument(lab, text, { certificatesDir: '/etc/kubernetes/pki' }),
      )
      const kept = await lab.sh(lab.first, phase)
      t.equal(kept.exitCode, 0, kept.stderr)
      t.match(kept.stdout, /Using (the )?existing/)
      await lab.writeFile(
        lab.first,
        '/root/contract.yaml',
        initDocument(lab, withSan(text, 'new.example.com'), { certificatesDir: '/etc/kubernetes/pki' }),
      )
      const lacking = await lab.sh(lab.first, phase)
      t.equal(lacking.exitCode, 0, 'success, and nothing done: hence the staging folder')
      t.match(lacking.stdout, /Using (the )?existing/)
      t.equal(await lab.readFile(lab.first, '/etc/kubernetes/pki/apiserver.crt'), before)
    },
  ],
  [
    'a certificate issued in a staging folder and renamed into place is shown without a restart of the API server',
    async (t, lab) => {
      const { data } = await readObject(lab, configMap('kube-system', 'kubeadm-config'))
      for (const name of ['ca.crt', 'ca.key']) {
        await lab.writeFile(
          lab.first,
          `/root/stage/${name}`,
          (await lab.readFile(lab.first, `/etc/kubernetes/pki/${name}`)) ?? '',
        )
      }
      const text = withSan(data['ClusterConfiguration'] ?? '', 'staged.example.com')
      await lab.writeFile(lab.first, '/root/contract.yaml', initDocument(lab, text, { certificatesDir: '/root/stage' }))
      const made = await lab.sh(lab.first, [
        'kubeadm',
        'init',
        'phase',
        'certs',
        'apiserver',
        '--config',
        '/root/contract.yaml',
      ])
      t.equal(made.exitCode, 0, made.stderr)
      t.match(
        made.stdout,
        /\[certs\] apiserver serving cert is signed for DNS names \[.*staged\.example\.com.*\] and IPs \[/,
      )
      const container = (await lab.containers(lab.first)).find(
        ({ name, running }) => name === 'kube-apiserver' && running,
      )
      for (const name of ['apiserver.key', 'apiserver.crt']) {
        await lab.writeFile(
          lab.first,
          `/etc/kubernetes/pki/${name}`,
          (await lab.readFile(lab.first, `/root/stage/${name}`)) ?? '',
        )
      }
      const wanted = new X509Certificate((await lab.readFile(lab.first, '/root/stage/apiserver.crt')) ?? '')
        .serialNumber
      const seen = await eventually(
        async () => ((await shown(lab.first.address, 6443)).serialNumber === wanted ? true : undefined),
        90_000,
      )
      t.ok(seen, 'the new serial is shown')
      t.match((await shown(lab.first.address, 6443)).subjectAltName, /DNS:staged\.example\.com/)
      const after = (await lab.containers(lab.first)).find(({ name, running }) => name === 'kube-apiserver' && running)
      t.equal(after?.id, container?.id, 'the same container')
    },
  ],
  [
    'kubeadm kubeconfig user prints a kubeconfig for that user and that long; what a Role gives to its name holds for it, and nothing else',
    async (t, lab) => {
      const { data } = await readObject(lab, configMap('kube-system', 'kubeadm-config'))
      const text = data['ClusterConfiguration'] ?? ''
      const folder = { certificatesDir: '/etc/kubernetes/pki' }
      await lab.writeFile(lab.first, '/root/contract.yaml', initDocument(lab, text, folder))
      const command = [
        'kubeadm',
        'kubeconfig',
        'user',
        '--config',
        '/root/contract.yaml',
        '--client-name',
        'contract:user',
      ]
      const { exitCode, stdout, stderr } = await lab.sh(lab.first, [...command, '--validity-period', '87600h'])
      t.equal(exitCode, 0, stderr)
      const { server, clientCertificatePem = '' } = readKubeconfig(stdout, adminConf)
      t.equal(server, `https://${lab.first.address}:6443`, 'without a controlPlaneEndpoint, the local one')
      const certificate = new X509Certificate(clientCertificatePem)
      t.match(certificate.subject, 'CN=contract:user')
      t.ok(Date.parse(certificate.validTo) - Date.now() > 86_000 * 3_600_000)
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system'
      const apiGroup = 'rbac.authorization.k8s.io'
      const metadata = { name: 'contract' }
      const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] }
      const rules = [{ ...leases, resourceNames: ['contract'], verbs: ['get'] }]
      const subjects = [{ apiGroup, kind: 'User', name: 'contract:user' }]
      const made = [
        await lab.kube('POST', `${rbac}/roles`, { metadata, rules }),
        await lab.kube('POST', `${rbac}/rolebindings`, {
          metadata,
          subjects,
          roleRef: { apiGroup, kind: 'Role', name: 'contract' },
        }),
      ]
      t.same(
        made.map(({ status }) => status),
        [201, 201],
      )
      const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
      // An authorizer hears of a new binding by its watch.
      const allowed = async () => ((await statusFor(stdout, 'GET', `${path}/contract`)) === 404 ? true : undefined)
      t.ok(await eventually(allowed), 'it may look for that Lease, which is not there')
      for (const other of [path, `${path}/kube-scheduler`, '/api/v1/namespaces/kube-system/secrets'])
        t.equal(await statusFor(stdout, 'GET', other), 403, other)
      for (const kind of ['rolebindings', 'roles']) await lab.kube('DELETE', `${rbac}/${kind}/contract`)
    },
  ],
  [
    'cluster-info is signed for a new token, and signed anew when its text changes',
    async (t, lab) => {
      const token = await makeToken(lab)
      t.ok(await eventually(() => isSigned(lab, token)), 'signed')
      const path = configMap('kube-public', 'cluster-info')
      const { data } = await readObject(lab, path)
      const kubeconfig = `${data['kubeconfig']}# edited\n`
      t.equal((await lab.kube('PATCH', path, { data: { kubeconfig } }, merge)).status, 200)
      t.ok(await eventually(() => isSigned(lab, token)), 'signed anew')
      await lab.kube('PATCH', path, { data: { kubeconfig: data['kubeconfig'] } }, merge)
      await lab.kube('DELETE', `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${token.id}`)
      const gone = await eventually(async () =>
        (await readObject(lab, path)).data[`jws-kubeconfig-${token.id}`] === undefined ? true : undefined,
      )
      t.ok(gone, 'the signature of a deleted token is removed')
    },
  ],
  [
    'a PUT with an old resourceVersion is refused with 409',
    async (t, lab) => {
      const path = configMap('kube-system', 'kubeadm-config')
      const old = await readObject(lab, path)
      t.equal(
        (await lab.kube('PATCH', path, { metadata: { annotations: { contract: String(Date.now()) } } }, merge)).status,
        200,
      )
      const { status, body } = await lab.kube('PUT', path, old)
      t.equal(status, 409)
      t.match((body as { message: string }).message, /the object has been modified/)
      await lab.kube('PATCH', path, { metadata: { annotations: { contract: null } } }, merge)
    },
  ],
  [
    'kubeadm init makes the roles by which a token joins, and no ClusterStatus',
    async (t, lab) => {
      const rbac = '/apis/rbac.authorization.k8s.io/v1'
      const paths = ['roles', 'rolebindings'].flatMap((kind) => [
        `${rbac}/namespaces/kube-public/${kind}/kubeadm:bootstrap-signer-clusterinfo`,
        `${rbac}/namespaces/kube-system/${kind}/kubeadm:nodes-kubeadm-config`,
        `${rbac}/namespaces/kube-system/${kind}/kubeadm:kubelet-config`,
      ])
      const ofCluster = ['kubelet-bootstrap', 'node-autoapprove-bootstrap', 'get-nodes'].map(
        (name) => `${rbac}/clusterrolebindings/kubeadm:${name}`,
      )
      for (const path of [...paths, ...ofCluster, `${rbac}/clusterroles/kubeadm:get-nodes`])
        t.equal((await lab.kube('GET', path)).status, 200, path)
      const { data } = await readObject(lab, configMap('kube-system', 'kubeadm-config'))
      t.equal(data['ClusterStatus'], undefined)
    },
  ],
  [
    'the controller-manager leads by its lease, with the bootstrap signer named among its controllers',
    async (t, lab) => {
      const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager'
      const renewed = async () => {
        const { spec } = await readObject(lab, path)
        return Date.now() - Date.parse(spec['renewTime'] ?? '') < 60_000 ? spec['holderIdentity'] : undefined
      }
      t.match(await eventually(renewed), lab.first.name)
      const manifest = await lab.readFile(lab.first, '/etc/kubernetes/manifests/kube-controller-manager.yaml')
      t.match(manifest, /--controllers=\*,bootstrapsigner,tokencleaner/)
    },
  ],
  [
    'a Lease is renewed by a merge patch of its time, and one that is not there is 404; readiness is told to anybody',
    async (t, lab) => {
      const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
      const path = `${leases}/quorate-availability`
      const renewed = { spec: { renewTime: '2026-11-22T10:11:12.000000Z' } }
      t.equal((await lab.kube('PATCH', path, renewed, merge)).status, 404)
      const lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'quorate-availability', namespace: 'kube-system' },
        spec: { holderIdentity: 'quorate', leaseDurationSeconds: 15, renewTime: '2026-11-22T10:11:11.000000Z' },
      }
      t.equal((await lab.kube('POST', leases, lease)).status, 201)
      t.equal((await lab.kube('POST', leases, lease)).status, 409)
      t.equal((await lab.kube('PATCH', path, renewed, merge)).status, 200)
      t.match((await readObject(lab, path)).spec, { holderIdentity: 'quorate', ...renewed.spec })
      t.equal((await lab.kube('DELETE', path)).status, 200)
      t.equal(await readyzWithoutCredentials(lab.first.address), 'HTTP/1.1 200 OK')
    },
  ],
  [
    'a container that is stopped by CRI comes again under another id',
    async (t, lab) => {
      const running = async () =>
        (await lab.containers(lab.first)).find((c) => c.name === 'kube-scheduler' && c.running)
      const before = await running()
      await lab.stopContainer(lab.first, before?.id ?? '')
      const after = await eventually(async () => {
        const now = await running()
        return now === undefined || now.id === before?.id ? undefined : now
      })
      t.ok(after, 'another container runs')
    },
  ],
  [
    "a restarted kubelet renews its node's lease",
    async (t, lab) => {
      const lease = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${lab.worker.name}`
      const { exitCode } = await lab.sh(lab.worker, ['systemctl', 'restart', 'kubelet'])
      t.equal(exitCode, 0)
      const since = Date.now()
      t.ok(
        await eventually(async () =>
          Date.parse((await readObject(lab, lease)).spec['renewTime'] ?? '') > since ? true : undefined,
        ),
        'renewed',
      )
    },
  ],
  [
    'a transient unit runs on its own; a second one of its name is refused; its end can be read',
    async (t, lab) => {
      const unit = `quorate-contract-${Date.now()}`
      const start = [
        'systemd-run',
        `--unit=${unit}`,
        '--property=Type=oneshot',
        '--property=RemainAfterExit=yes',
        '--no-block',
        '--',
        'kubeadm',
        'config',
        'images',
        'list',
        `--kubernetes-version=${lab.kubernetesVersion}`,
      ]
      t.equal((await lab.sh(lab.first, start)).exitCode, 0)
      const second = await lab.sh(lab.first, start)
      t.not(second.exitCode, 0)
      t.match(second.stderr, `Unit ${unit}.service was already loaded or has a fragment file`)
      const show = [
        'systemctl',
        'show',
        `${unit}.service`,
        '--property=LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainStartTimestamp',
      ]
      const ended = await eventually(async () => {
        const { stdout } = await lab.sh(lab.first, show)
        return /^SubState=exited$/m.test(stdout) ? stdout : undefined
      })
      t.match(ended, /^ActiveState=active$/m)
      t.match(ended, /^Result=success$/m)
      t.match(ended, /^ExecMainStartTimestamp=\w{3} \d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} \w+$/m)
      const journal = await lab.sh(lab.first, ['journalctl', `--unit=${unit}.service`, '--output=cat', '--no-pager'])
      t.match(journal.stdout, `kube-apiserver:${lab.kubernetesVersion}`)
      await lab.sh(lab.first, ['systemctl', 'stop', `${unit}.service`])
      t.match((await lab.sh(lab.first, show)).stdout, /^LoadState=not-found$/m)
    },
  ],
  [
    'a transient unit that is waited for answers with the output and exit status of its program, and nothing of it is left',
    async (t, lab) => {
      const asked = (...argv: string[]) =>
        lab.sh(lab.first, [
          ...['systemd-run', '--unit=quorate-contract-asked', '--quiet', '--pipe', '--wait', '--collect'],
          ...[
            '--property=User=65534',
            '--property=AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE',
            '--',
            ...argv,
          ],
        ])
      const listening = await asked('ss', '-Htlnp')
      t.equal(listening.exitCode, 0)
      t.match(listening.stdout, /^LISTEN .*:6443 .*users:\(\("kube-apiserver",pid=\d+,fd=\d+\)\)/m)
      t.equal(listening.stderr, '')
      const sockets = await lab.sh(lab.first, ['ss', '-Htlne'])
      t.match(sockets.stdout, /^LISTEN .*:6443 .* ino:\d+ /m, 'each socket has its inode')
      t.notMatch(sockets.stdout, 'users:')
      const bad = await asked('kubeadm', 'config', 'validate', '--config', '/nowhere')
      t.not(bad.exitCode, 0)
      t.match(bad.stderr, /./)
      t.match((await asked('no-such-program')).stderr, 'Failed to find executable no-such-program')
      const left = ['systemctl', 'show', 'quorate-contract-asked', '--property=LoadState']
      t.equal((await lab.sh(lab.first, left)).stdout, 'LoadState=not-found\n')
    },
  ],
  [
    'an etcd snapshot ends with the sha256 of what came before it, which is whole pages',
    async (t, lab) => {
      const bytes = await lab.snapshot()
      const database = bytes.subarray(0, -32)
      t.equal(database.length % 512, 0)
      t.ok(database.length > 0)
      t.equal(createHash('sha256').update(database).digest('hex'), bytes.subarray(-32).toString('hex'))
    },
  ],
  [
    'the API server is told where etcd is and with which files, at its loopback address where etcd has a manifest beside it',
    async (t, lab) => {
      const manifest = (name: string) => lab.readFile(lab.first, `/etc/kubernetes/manifests/${name}.yaml`)
      const text = (await manifest('kube-apiserver')) ?? ''
      const flag = (name: string): string => new RegExp(`--etcd-${name}=(\\S+)`).exec(text)?.[1] ?? ''
      for (const file of ['cafile', 'certfile', 'keyfile'])
        t.ok(await lab.readFile(lab.first, flag(file)), `${file} ${flag(file)}`)
      const isStacked = (await manifest('etcd')) !== undefined
      t.equal(flag('servers') === 'https://127.0.0.1:2379', isStacked, flag('servers'))
    },
  ],
  [
    'kubeadm uploads what its etcd needs, all of it, under keys that tell the topology',
    async (t, lab) => {
      const path = '/root/contract-upload.yaml'
      const { ClusterConfiguration = '' } = (await readObject(lab, configMap('kube-system', 'kubeadm-config'))).data
      await lab.writeFile(
        lab.first,
        path,
        initDocument(lab, ClusterConfiguration, { certificatesDir: '/etc/kubernetes/pki' }),
      )
      const upload = ['kubeadm', 'init', 'phase', 'upload-certs', '--upload-certs', '--config', path]
      t.equal((await lab.sh(lab.first, upload)).exitCode, 0)
      const secret = '/api/v1/namespaces/kube-system/secrets/kubeadm-certs'
      const { data } = await readObject(lab, secret)
      const ofEtcd = Object.keys(data).filter((key) => key.includes('etcd'))
      const wanted = /^ +external:/m.test(ClusterConfiguration)
        ? ['external-etcd-ca.crt', 'external-etcd.crt', 'external-etcd.key']
        : ['etcd-ca.crt', 'etcd-ca.key']
      t.same(ofEtcd.sort(), wanted)
      t.ok(Object.values(data).every((value) => value.length > 0))
      t.equal((await lab.kube('DELETE', secret)).status, 200)
    },
  ],
  [
    'where the key of a CA is elsewhere kubeadm refuses to upload any certificate',
    async (t, lab) => {
      const [folder, path] = ['/root/contract-keyless', '/root/contract-keyless.yaml']
      for (const name of [
        'ca.crt',
        'front-proxy-ca.crt',
        'front-proxy-ca.key',
        'sa.pub',
        'sa.key',
        'etcd/ca.crt',
        'etcd/ca.key',
      ]) {
        const text = await lab.readFile(lab.first, `/etc/kubernetes/pki/${name}`)
        if (text !== undefined) await lab.writeFile(lab.first, `${folder}/${name}`, text)
      }
      const { ClusterConfiguration = '' } = (await readObject(lab, configMap('kube-system', 'kubeadm-config'))).data
      await lab.writeFile(lab.first, path, initDocument(lab, ClusterConfiguration, { certificatesDir: folder }))
      const upload = ['kubeadm', 'init', 'phase', 'upload-certs', '--upload-certs', '--config', path]
      t.not((await lab.sh(lab.first, upload)).exitCode, 0)
      t.equal((await lab.kube('GET', '/api/v1/namespaces/kube-system/secrets/kubeadm-certs')).status, 404)
    },
  ],
  [
    'kubeadm makes keys and requests for every certificate of a node that is in no cluster, and kubeconfigs with a key alone',
    async (t, lab) => {
      const [folder, config] = ['/root/contract-requests', '/root/contract-requests.yaml']
      const { ClusterConfiguration = '' } = (await readObject(lab, configMap('kube-system', 'kubeadm-config'))).data
      const { name: nodeName, address: advertiseAddress } = lab.joiner
      const place = { nodeName, advertiseAddress, bindPort: 6443, criSocket: '/run/containerd/containerd.sock' }
      const clusterConfiguration = setControlPlaneEndpoint(ClusterConfiguration, 'api.example.com:8443', ['192.0.2.7'])
      await lab.writeFile(lab.joiner, config, initDocuments({ clusterConfiguration, ...place }))
      const generate = ['kubeadm', 'certs', 'generate-csr', '--config', config]
      const folders = ['--cert-dir', `${folder}/pki`, '--kubeconfig-dir', folder]
      const made = await lab.sh(lab.joiner, [...generate, ...folders])
      t.equal(made.exitCode, 0, made.stderr)
      const request = async (path: string) =>
        readCertificateRequest((await lab.readFile(lab.joiner, `${folder}/${path}.csr`)) ?? '')
      for (const { name, path } of leafCertificates)
        t.ok((await request(path === undefined ? name : `pki/${path}`)).commonName, name)
      const { sans } = await request('pki/apiserver')
      for (const san of [nodeName, advertiseAddress, 'api.example.com', '192.0.2.7', '10.96.0.1'])
        t.ok(sans.includes(san), `the API server's is for ${san}`)
      t.match(await request('kubelet.conf'), {
        commonName: `system:node:${nodeName}`,
        organizations: ['system:nodes'],
      })
      const admin = readKubeconfig((await lab.readFile(lab.joiner, `${folder}/admin.conf`)) ?? '', adminConf)
      t.match(admin, { server: 'https://api.example.com:8443', clientKeyPem: /PRIVATE KEY/ })
      t.same([admin.caPem, admin.clientCertificatePem], [undefined, undefined])
      const local = readKubeconfig((await lab.readFile(lab.joiner, `${folder}/scheduler.conf`)) ?? '', adminConf)
      t.equal(local.server, `https://${advertiseAddress}:6443`)
    },
  ],
  [
    'etcd takes one learner at a time',
    async (t, lab) => {
      t.equal(await lab.addEtcdLearner('https://192.0.2.71:2380'), '')
      t.match(await lab.addEtcdLearner('https://192.0.2.72:2380'), 'etcdserver: too many learner members in cluster')
      t.equal((await lab.kube('GET', '/readyz')).status, 200, 'a learner that never starts takes no quorum')
      await lab.removeEtcdLearners()
    },
  ],
  [
    'a transient timer starts its command once when its time is over and is forgotten, and one that is stopped never does',
    async (t, lab) => {
      const arm = (seconds: number) =>
        lab.sh(lab.first, [
          ...['systemd-run', '--unit=quorate-contract', `--on-active=${seconds}`],
          ...['--timer-property=AccuracySec=100ms', '--property=Type=oneshot', '--', 'systemctl', 'start', 'kubelet'],
        ])
      const look = async (unit: string, property: string): Promise<string> =>
        (await lab.sh(lab.first, ['systemctl', 'show', unit, `--property=${property}`, '--value'])).stdout.trim()
      const kubelet = (verb: string) => lab.sh(lab.first, ['systemctl', verb, 'kubelet'])
      await kubelet('stop')
      t.equal((await arm(60)).exitCode, 0)
      t.equal(await look('quorate-contract.timer', 'LoadState'), 'loaded')
      t.not((await arm(60)).exitCode, 0, 'a second one of its name is refused')
      await lab.sh(lab.first, ['systemctl', 'stop', 'quorate-contract.timer'])
      t.equal(await look('quorate-contract.timer', 'LoadState'), 'not-found')
      t.not(await look('kubelet', 'ActiveState'), 'active')
      t.equal((await arm(2)).exitCode, 0)
      t.ok(await eventually(async () => ((await look('kubelet', 'ActiveState')) === 'active' ? true : undefined)))
      t.ok(
        await eventually(async () =>
          (await look('quorate-contract.timer', 'LoadState')) === 'not-found' ? true : undefined,
        ),
      )
    },
  ],
  [
    'a static pod that is killed while the kubelet is stopped stays down, and comes back with the kubelet in a new container',
    async (t, lab) => {
      const scheduler = async () =>
        (await lab.containers(lab.first)).find(({ name, running }) => name === 'kube-scheduler' && running)
      const before = await scheduler()
      await lab.sh(lab.first, ['systemctl', 'stop', 'kubelet'])
      await lab.stopContainer(lab.first, before?.id ?? '')
      await wait(3_000)
      t.equal(await scheduler(), undefined)
      await lab.sh(lab.first, ['systemctl', 'start', 'kubelet'])
      const after = await eventually(scheduler)
      t.ok(after)
      t.not(after?.id, before?.id)
    },
  ],
  [
    'endpoint slices that no controller made are told by its label, page by page, also those without one',
    async (t, lab) => {
      const folder = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
      const slice = {
        metadata: { name: 'contract-by-hand' },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['192.0.2.9'] }],
        ports: [{ port: 6443 }],
      }
      t.equal((await lab.kube('POST', folder, slice)).status, 201)
      const label = 'endpointslice.kubernetes.io/managed-by'
      const selector = `labelSelector=${encodeURIComponent(`${label}!=endpointslice-controller.k8s.io`)}`
      const { status, body } = await lab.kube('GET', `/apis/discovery.k8s.io/v1/endpointslices?${selector}&limit=250`)
      t.equal(status, 200)
      type Slice = { metadata: { name: string; labels?: Record<string, string> } }
      const { items } = body as { items: Slice[] }
      const names = items.map(({ metadata }) => metadata.name)
      t.ok(names.includes('contract-by-hand') && names.includes('kubernetes'), names.join(', '))
      t.notOk(items.some(({ metadata }) => metadata.labels?.[label] === 'endpointslice-controller.k8s.io'))
      t.equal((await lab.kube('DELETE', `${folder}/contract-by-hand`)).status, 200)
      const { status: unknown } = await lab.kube('GET', '/apis/monitoring.coreos.com/v1/servicemonitors?limit=250')
      t.equal(unknown, 404, 'a kind that nobody installed')
    },
  ],
  [
    'a dry run is answered by admission as the change would be, for the user that is impersonated, and stores nothing',
    async (t, lab) => {
      const folder = '/api/v1/namespaces/default/configmaps'
      const object = (name: string) => ({ metadata: { name }, data: { a: 'b' } })
      const dry = await lab.kube('POST', `${folder}?dryRun=All`, object('contract-dry'))
      t.equal(dry.status, 201)
      t.match(dry.body, { kind: 'ConfigMap', data: { a: 'b' } })
      t.equal((await lab.kube('GET', `${folder}/contract-dry`)).status, 404, 'nothing is stored')
      const quotas = '/api/v1/namespaces/default/resourcequotas'
      const quota = { metadata: { name: 'contract' }, spec: { hard: { configmaps: '0' } } }
      t.equal((await lab.kube('POST', quotas, quota)).status, 201)
      const refused = await eventually(async () => {
        const { status, body } = await lab.kube('POST', `${folder}?dryRun=All`, object('contract-dry'))
        const { message } = body as { message: string }
        return status === 403 && message.includes('exceeded quota') ? message : undefined
      })
      t.match(
        refused,
        /^configmaps "contract-dry" is forbidden: exceeded quota: contract, requested: configmaps=1, used/,
      )
      t.equal((await lab.kube('DELETE', `${quotas}/contract`)).status, 200)
    },
  ],
  [
    'a webhook that does not answer refuses a dry run and the change alike, by its name',
    async (t, lab) => {
      const folder = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
      const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['resourcequotas'] }
      const webhook = {
        name: 'dead.contract.example.com',
        clientConfig: { url: 'https://127.0.0.1:9/' },
        ...{ rules: [rule], sideEffects: 'None', failurePolicy: 'Fail', admissionReviewVersions: ['v1'] },
      }
      t.equal((await lab.kube('POST', folder, { metadata: { name: 'contract' }, webhooks: [webhook] })).status, 201)
      const quotas = '/api/v1/namespaces/default/resourcequotas'
      const quota = { metadata: { name: 'contract-webhook' }, spec: { hard: { configmaps: '99' } } }
      try {
        for (const query of ['?dryRun=All', '']) {
          const message = await eventually(async () => {
            const { status, body } = await lab.kube('POST', `${quotas}${query}`, quota)
            // It takes the API server a moment to know a webhook.
            if (status === 201 && query === '') await lab.kube('DELETE', `${quotas}/contract-webhook`)
            return status === 500 ? (body as { message: string }).message : undefined
          })
          t.match(message, 'Internal error occurred: failed calling webhook "dead.contract.example.com"', query)
        }
      } finally {
        await lab.kube('DELETE', `${folder}/contract`)
      }
    },
  ],
  [
    'an API server makes the EndpointSlice of default/kubernetes again from what etcd knows: what somebody adds is gone soon, and it is back',
    async (t, lab) => {
      const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'
      const read = async () => (await lab.kube('GET', path)).body as { endpoints: { addresses: string[] }[] }
      const before = await read()
      const bogus = { addresses: ['192.0.2.7'], conditions: { ready: false } }
      const endpoints = [...before.endpoints, bogus]
      t.equal((await lab.kube('PUT', path, { ...before, endpoints })).status, 200)
      const after = await eventually(async () => {
        const now = await read()
        return now.endpoints.some(({ addresses }) => addresses.includes('192.0.2.7')) ? undefined : now
      })
      t.same(
        after?.endpoints.map(({ addresses }) => addresses),
        before.endpoints.map(({ addresses }) => addresses),
      )
    },
  ],
  [
    'a Lease that was given up is taken again within seconds',
    async (t, lab) => {
      const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler'
      const spec = { holderIdentity: null, leaseDurationSeconds: 1 }
      t.equal((await lab.kube('PATCH', path, { spec }, merge)).status, 200)
      const holder = await eventually(async () => {
        const { spec } = (await lab.kube('GET', path)).body as { spec: { holderIdentity?: string } }
        return spec.holderIdentity || undefined
      })
      t.match(holder, /.+_.+/, 'who leads calls itself by its host and a number')
    },
  ],
  [
    'the API server asks a kubelet by its own client certificate; without one a kubelet answers 401',
    async (t, lab) => {
      for (const { name } of [lab.first, lab.worker]) {
        const { status, body } = await lab.kube('GET', `/api/v1/nodes/${name}/proxy/healthz`)
        t.equal(status, 200, name)
        t.equal(body, 'ok')
      }
      t.equal(await statusWithout(lab.worker.address), 401)
    },
  ],
]

/** HTTP status of a kubelet for somebody without credentials. */
function statusWithout(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ host: address, port: 10250, path: '/pods', rejectUnauthorized: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    call.on('error', reject)
    call.end()
  })
}
