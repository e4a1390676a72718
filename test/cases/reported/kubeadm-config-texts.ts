import { parse } from 'yaml'
import type { PublicCase } from './case.js'
import { inClusterConfiguration } from './put.js'

const edited = 'The two fields are set and every other byte stays.'

/** ClusterConfigurations as editors, templates and other programs leave them. */
const written: readonly {
  id: string
  kind: string
  source: string
  input: string
  text: (before: string) => string
}[] = [
  {
    id: 'api-server-with-a-comment-alone',
    kind: 'B3',
    source: 'habits with kubectl edit',
    input: 'In kubeadm-config a comment stands where the fields of `apiServer:` would.',
    text: (before) => before.replace('apiServer: {}', 'apiServer:   # nothing yet'),
  },
  {
    id: 'api-server-with-a-comment-below',
    kind: 'B3',
    source: 'habits with kubectl edit',
    input: 'Below `apiServer:` in kubeadm-config is a line with a comment and no field.',
    text: (before) => before.replace('apiServer: {}', 'apiServer:\n  # - nothing: yet'),
  },
  {
    id: 'cert-sans-null',
    kind: 'B3',
    source: 'habits with kubectl edit',
    input: '`certSANs:` in kubeadm-config has no value.',
    text: (before) => before.replace('apiServer: {}', 'apiServer:\n  certSANs:\t# to come'),
  },
  {
    id: 'cert-sans-empty-over-lines',
    kind: 'B3',
    source: 'habits with kubectl edit',
    input: '`certSANs: [` and `]` in kubeadm-config stand on two lines with a comment.',
    text: (before) => before.replace('apiServer: {}', 'apiServer:\n  certSANs: [  # to come\n  ]'),
  },
  {
    id: 'cluster-configuration-with-aliases',
    kind: 'B3',
    source: 'Helm and kustomize templates',
    input: '`apiServer` of kubeadm-config is an alias.',
    text: (before) =>
      before.replace('apiServer: {}', 'x-common: &common {timeoutForControlPlane: 4m0s}\napiServer: *common'),
  },
  {
    id: 'cluster-configuration-as-json',
    kind: 'C',
    source: 'programs that write JSON',
    input: 'The ClusterConfiguration in kubeadm-config is one line of JSON.',
    text: (before) => JSON.stringify({ ...parse(before), apiServer: { certSANs: ['k8smaster1.example.com'] } }),
  },
  {
    id: 'cluster-configuration-as-indented-json',
    kind: 'C',
    source: 'programs that write JSON',
    input: 'The ClusterConfiguration in kubeadm-config is JSON, indented with tabs.',
    text: (before) => JSON.stringify(parse(before), undefined, '\t'),
  },
  {
    id: 'cluster-configuration-after-a-comment-and-a-marker',
    kind: 'C',
    source: 'files uploaded with kubectl create configmap --from-file',
    input: 'The ClusterConfiguration in kubeadm-config begins with a comment and `---`.',
    text: (before) => `# cluster prod\n---\n${before}---\n`,
  },
  {
    id: 'cluster-configuration-from-windows',
    kind: 'D',
    source: 'files uploaded with kubectl create configmap --from-file',
    input: 'The ClusterConfiguration in kubeadm-config has a byte order mark and CRLF.',
    text: (before) => `\uFEFF${before.replaceAll('\n', '\r\n')}`,
  },
]

const refused: readonly {
  id: string
  kind: string
  input: string
  text: (before: string) => string
  /** Of the check that it stops. */
  message?: RegExp
  /** Of the text as a whole. */
  evidence?: RegExp
  remedy: RegExp
}[] = [
  {
    id: 'cluster-configuration-with-a-second-document',
    kind: 'C',
    input: 'A second document follows the ClusterConfiguration in kubeadm-config.',
    text: (before) => `${before}---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n`,
    evidence: /configmap\/kube-system\/kubeadm-config.*line \d+.*second document/,
    remedy: /kubectl -n kube-system edit configmap kubeadm-config.*line \d+.*delete/,
  },
  {
    id: 'cluster-configuration-with-a-key-twice',
    kind: 'B3',
    input: '`apiServer` is in kubeadm-config twice.',
    text: (before) => `${before}apiServer: {}\n`,
    evidence: /kubeadm-config.*line \d+.*twice/,
    remedy: /kubectl -n kube-system edit configmap kubeadm-config.*line \d+.*delete/,
  },
  {
    id: 'cluster-configuration-with-a-tab',
    kind: 'B3',
    input: 'A tab indents a line of kubeadm-config.',
    text: (before) => before.replace('apiServer: {}', 'apiServer:\n\tcertSANs: []'),
    evidence: /kubeadm-config.*line \d+.*tab/,
    remedy: /kubectl -n kube-system edit configmap kubeadm-config.*line \d+.*spaces/,
  },
  {
    id: 'cluster-configuration-with-a-shared-map',
    kind: 'B3',
    input: '`apiServer` of kubeadm-config has an anchor that `controllerManager` uses.',
    text: (before) =>
      before
        .replace('apiServer: {}', 'apiServer: &none {}')
        .replace('controllerManager: {}', 'controllerManager: *none'),
    message: /kubeadm-config.*line \d+.*apiServer/,
    remedy: /kubectl -n kube-system edit configmap kubeadm-config.*line \d+.*certSANs/,
  },
]

export const kubeadmConfigTexts: readonly PublicCase[] = [
  ...written.map(
    ({ id, kind, source, input, text }): PublicCase => ({
      ...{ id, kind, source: [source], input },
      outcome: 'supported',
      answer: edited,
      trial: { plan: { put: inClusterConfiguration(text), finds: [] } },
    }),
  ),
  ...refused.map(
    ({ id, kind, input, text, remedy, ...told }): PublicCase => ({
      ...{ id, kind, source: ['habits with kubectl edit'], input },
      outcome: 'blocked',
      answer: 'A finding names the object, the line and what to write there; the rest of the plan is shown.',
      trial: {
        plan: {
          put: inClusterConfiguration(text),
          finds: [
            {
              check: told.evidence === undefined ? 'check-failed' : 'readable-config-maps',
              ...{ severity: 'error', remedy, ...told },
            },
          ],
        },
      },
    }),
  ),
]
