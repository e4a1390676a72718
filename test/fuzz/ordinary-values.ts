import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fleetCa } from '../support/node-identities.js'

const certificate = readFileSync(join(import.meta.dirname, '../fixtures/v1.37.2/before/pki/ca.crt'), 'utf8')
const clusterConfiguration =
  'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.37.2\ncertificatesDir: /etc/kubernetes/pki\n'

/**
 * Texts of the forms that fields of requests have. Which field takes which is found by asking the checks at the door. Names end with `.invalid`
 * and addresses are of this machine: no request leads to another.
 */
export const ordinaryTexts: readonly string[] = [
  '',
  'prod',
  'etcd',
  'files',
  'kube-apiserver',
  'cp1.invalid',
  'api.invalid:6443',
  '127.0.0.1',
  '::1',
  '127.0.0.1:1',
  '127.0.0.1:6443',
  'https://127.0.0.1:1',
  'https://api.invalid:6443',
  '/readyz',
  '/etc/hosts',
  '/root/.kube/config',
  '/etc/kubernetes/admin.conf',
  '/etc/kubernetes/pki',
  '/var/lib/etcd',
  'configmap/kube-system/kubeadm-config',
  'admin',
  'user',
  'kubelet',
  'apiserver',
  'apiserver-etcd-client',
  'op-1',
  '20261122t221530-ab12cd',
  '20261122t221531-ab12cd',
  'a'.repeat(64),
  `sha256:${'b'.repeat(64)}`,
  '1f',
  'http://127.0.0.1:2380',
  `quorate/${'c'.repeat(12)}`,
  `quorate/${'c'.repeat(12)}+${'d'.repeat(8)}+${'A'.repeat(43)}=`,
  `quorate/${'c'.repeat(12)}\n1\n${'A'.repeat(43)}=\n\n— quorate/${'c'.repeat(12)} AAAAAAAA\n`,
  'abcdef',
  `age1${'q'.repeat(58)}`,
  '2026-11-22T22:15:30Z',
  'v1.37.2',
  'registry.k8s.io',
  'registry.k8s.io/pause:3.10',
  'node-ip',
  'v1beta4',
  'Swap',
  'NoSchedule',
  'Directory',
  certificate,
  fleetCa.certPem,
  clusterConfiguration,
]

export const ordinaryNumbers: readonly number[] = [0, 1, 2, 5, 50, 51, 64, 300, 2379, 6443, 7445, 65_535]
