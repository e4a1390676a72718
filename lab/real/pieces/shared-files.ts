import { randomBytes } from 'node:crypto'
import { extraArgs } from '../machines/kubeadm-documents.js'
import type { Piece } from './piece.js'

const folder = '/etc/kubernetes/apiserver'
const logs = '/var/log/kubernetes'
const auditPolicy = 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n'
const admission = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: PodSecurity
    configuration:
      apiVersion: pod-security.admission.config.k8s.io/v1
      kind: PodSecurityConfiguration
      defaults: {enforce: privileged, warn: baseline}
`
const encryption = (key: string) => `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aescbc: {keys: [{name: key1, secret: ${key}}]}
      - identity: {}
`
const schedulerPatch = 'spec:\n  containers:\n    - name: kube-scheduler\n      resources: {requests: {cpu: 50m}}\n'

/** What the tests check on every control plane. */
export const sharedPaths: readonly string[] = [
  `${folder}/audit.yaml`,
  `${folder}/admission.yaml`,
  `${folder}/encryption.yaml`,
  '/etc/kubernetes/patches/kube-scheduler0+strategic.yaml',
]

/** Audit policy, admission and encryption configuration behind extraArgs and extraVolumes, and a kubeadm patch. */
export const sharedFiles: Piece = {
  init({ api, init, cluster }) {
    cluster.apiServer = {
      extraArgs: extraArgs(api, {
        'audit-policy-file': `${folder}/audit.yaml`,
        'audit-log-path': `${logs}/audit.log`,
        'admission-control-config-file': `${folder}/admission.yaml`,
        'encryption-provider-config': `${folder}/encryption.yaml`,
      }),
      extraVolumes: [
        { name: 'apiserver', hostPath: folder, mountPath: folder, readOnly: true, pathType: 'DirectoryOrCreate' },
        { name: 'audit-log', hostPath: logs, mountPath: logs, pathType: 'DirectoryOrCreate' },
      ],
    }
    init.patches = { directory: '/etc/kubernetes/patches' }
  },
  async before(lab) {
    const cp1 = lab.node('cp1')
    const [audit = '', admit = '', encrypt = '', patch = ''] = sharedPaths
    await cp1.put(audit, auditPolicy, '0640', 'root:adm')
    await cp1.put(admit, admission)
    await cp1.put(encrypt, encryption(randomBytes(32).toString('base64')), '0600')
    await cp1.put(patch, schedulerPatch)
  },
}
