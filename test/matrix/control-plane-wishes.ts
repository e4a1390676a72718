import type { InitWish } from '../../lab/simulated/init-wish.js'

/** A kubeadm patch by which the kubelet asks only whether the API server's port is open: what people do who refuse anonymous requests. */
const probePatch = ['liveness', 'readiness', 'startup']
  .flatMap((kind) => [
    `- {op: remove, path: /spec/containers/0/${kind}Probe/httpGet}`,
    `- {op: add, path: /spec/containers/0/${kind}Probe/tcpSocket, value: {host: 127.0.0.1, port: 6443}}`,
  ])
  .join('\n')
  .concat('\n')

/** `--anonymous-auth=false`, with probes that need no answer. */
export const noAnonymous: InitWish = {
  apiServerArgs: { 'anonymous-auth': 'false' },
  files: { '/etc/kubernetes/patches/kube-apiserver0+json.yaml': { text: probePatch, mode: 0o600 } },
}

const authentication = `apiVersion: apiserver.config.k8s.io/v1beta1
kind: AuthenticationConfiguration
anonymous:
  enabled: true
  conditions: [{path: /livez}, {path: /readyz}, {path: /healthz}]
`

const folder = '/etc/kubernetes/apiserver'
const volume = { name: 'apiserver', hostPath: folder, mountPath: folder, readOnly: true, pathType: 'DirectoryOrCreate' }

/** Only health is told to who has no credentials (CIS 1.2.1), by an AuthenticationConfiguration. */
export const anonymousHealthOnly: InitWish = {
  apiServerArgs: { 'authentication-config': `${folder}/authentication.yaml` },
  apiServerVolumes: [volume],
  files: { [`${folder}/authentication.yaml`]: { text: authentication, mode: 0o600 } },
}

const auditPolicy = 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n'
const encryption = `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aescbc: {keys: [{name: key1, secret: ${Buffer.alloc(32, 7).toString('base64')}}]}
      - identity: {}
`
const schedulerPatch = 'spec:\n  containers:\n    - name: kube-scheduler\n      resources: {requests: {cpu: 50m}}\n'

/** Files behind extraArgs and extraVolumes, and a patch: none of them does kubeadm bring to a joiner. */
export const sharedFiles: InitWish = {
  apiServerArgs: {
    'audit-policy-file': `${folder}/audit.yaml`,
    'audit-log-path': '/var/log/kubernetes/audit.log',
    'encryption-provider-config': `${folder}/encryption.yaml`,
  },
  apiServerVolumes: [
    volume,
    {
      name: 'audit-log',
      hostPath: '/var/log/kubernetes',
      mountPath: '/var/log/kubernetes',
      pathType: 'DirectoryOrCreate',
    },
  ],
  files: {
    [`${folder}/audit.yaml`]: { text: auditPolicy, mode: 0o640 },
    [`${folder}/encryption.yaml`]: { text: encryption, mode: 0o600 },
    '/etc/kubernetes/patches/kube-scheduler0+strategic.yaml': { text: schedulerPatch, mode: 0o644 },
  },
}
