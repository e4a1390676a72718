import type { Endpoint } from '@quorate/shared/names'
import type { Severity } from '../context/finding.js'

/** One line, of a file or an object, that names the first control plane. */
export interface Mention {
  /** Where the file is; undefined for an object of the cluster. */
  readonly node?: string
  /** `PATH line N`, or `kind/namespace/name field`. */
  readonly where: string
  readonly line: string
}

/** What a command is made of. */
export interface ToFix {
  readonly path: string
  readonly namespace: string
  /** Without its kind: `cilium`. */
  readonly name: string
  /** With its kind: `daemonset/cilium`. */
  readonly object: string
  /** systemd's or the package's word for the program that reads the file. */
  readonly unit: string
  /** Writes the endpoint in the place of the first control plane. */
  readonly sed: string
  readonly endpoint: Endpoint
}

export interface UserKind {
  /** The client that reads it, in readable form. */
  readonly who: string
  /** How it is recognised: by the place, and the line where the place is not enough. */
  readonly recognised: (mention: Mention) => boolean
  /**
   * What of a line counts. `server`: the API server's own address and port, or the host where a line is about that alone. `host`: the host
   * at any port. `nothing`: it may well mean this machine.
   */
  readonly counts: 'server' | 'host' | 'nothing'
  /** `error` where the cluster itself is lost with the first control plane; `warning` where it is a foreign program. */
  readonly severity: Exclude<Severity, 'info'>
  /** The step that fixes it: before the conversion it is expected. */
  readonly fixedBy?: string
  /** The command to type. */
  remedy(it: ToFix): string
}

const at = (pattern: RegExp) => (mention: Mention) => pattern.test(mention.where)
const says = (pattern: RegExp) => (mention: Mention) => pattern.test(`${mention.where} ${mention.line}`)

const onNode = 'On that node: '
const editFile = ({ path, sed }: ToFix): string => `${onNode}sed -i --follow-symlinks '${sed}' ${path}`
const andRestart = (it: ToFix): string => `${editFile(it)} && systemctl daemon-reload && systemctl restart ${it.unit}`
const editObject = ({ namespace, object, sed }: ToFix): string => {
  const scope = namespace === '' ? '' : ` -n ${namespace}`
  return `kubectl${scope} get ${object} -o yaml | sed '${sed}' | kubectl replace -f -`
}
const ownedElsewhere = 'If Helm or an operator manages it, change the value there: a direct edit is reverted.'

const file = (who: string, pattern: RegExp, rest: Partial<UserKind> = {}): UserKind => ({
  ...{ who, recognised: at(pattern), counts: 'server', severity: 'warning', remedy: editFile },
  ...rest,
})
const object = (who: string, pattern: RegExp, rest: Partial<UserKind> = {}): UserKind => ({
  ...{ who, recognised: at(pattern), counts: 'server', severity: 'error', remedy: editObject },
  ...rest,
})

/**
 * THE TABLE of who may use the API server outside the fleet's own steps (F38 of the failure catalogue; cilium/cilium#19038, #20679; Calico's page on eBPF):
 * how each is recognised, which of its lines count, and what fixes it. The first row that recognises a mention has it.
 */
export const userKinds: readonly UserKind[] = [
  // Its certSANs and its local endpoint are that machine's own.
  object('kubeadm', /^configmap\/kube-system\/kubeadm-config /, { counts: 'nothing' }),
  object('joining nodes', /^configmap\/kube-public\/cluster-info /, { fixedBy: 'update-cluster-info' }),
  object('kube-proxy', /^configmap\/kube-system\/kube-proxy /, {
    fixedBy: 'update-kube-proxy',
    remedy: (it) => `${editObject(it)} && kubectl -n kube-system rollout restart daemonset/kube-proxy`,
  }),
  object('Cilium', /^(configmap|daemonset|deployment)\/[^/]+\/cilium/, {
    counts: 'host',
    remedy: ({ namespace, endpoint }) =>
      `helm -n ${namespace} upgrade cilium cilium/cilium --reuse-values --set k8sServiceHost=${endpoint.host} --set k8sServicePort=${endpoint.port}`,
  }),
  object('Calico', /^configmap\/[^/]+\/kubernetes-services-endpoint /, {
    counts: 'host',
    remedy: ({ namespace, endpoint }) =>
      `kubectl -n ${namespace} patch configmap kubernetes-services-endpoint --type merge -p '{"data":{"KUBERNETES_SERVICE_HOST":"${endpoint.host}","KUBERNETES_SERVICE_PORT":"${endpoint.port}"}}', then kubectl -n ${namespace} rollout restart daemonset/calico-node`,
  }),
  object(
    'pods that are configured with the address of the API server',
    /^(daemonset|deployment|statefulset)\/.* env KUBERNETES_SERVICE_HOST$/,
    {
      counts: 'host',
      remedy: ({ namespace, object: one, endpoint }) =>
        `kubectl -n ${namespace} set env ${one} KUBERNETES_SERVICE_HOST=${endpoint.host} KUBERNETES_SERVICE_PORT=${endpoint.port}. ${ownedElsewhere}`,
    },
  ),
  object('pods', /^(daemonset|deployment|statefulset)\//, { remedy: (it) => `${editObject(it)}. ${ownedElsewhere}` }),
  object('the API server, which calls a webhook', /webhookconfiguration\//, {
    counts: 'host',
    severity: 'warning',
    remedy: ({ object: one }) =>
      `Run it behind a Service and use clientConfig.service instead of clientConfig.url: kubectl edit ${one}`,
  }),
  {
    ...object('Prometheus', /./),
    recognised: says(/^configmap\/.*(prometheus|scrape|target)|^(servicemonitor|probe|scrapeconfig)\//i),
    severity: 'warning',
    remedy: ({ namespace, object: one }) =>
      `Add every other control plane; each is scraped by its own address: kubectl -n ${namespace} edit ${one}`,
  },
  object('clients of a Service with manual endpoints', /^endpointslice\//, {
    severity: 'warning',
    remedy: ({ namespace, name }) =>
      `Add the other control planes' addresses: kubectl -n ${namespace} edit endpoints/${name.replace(/-[a-z0-9]{5}$/, '')} (or endpointslice/${name} itself)`,
  }),
  object('clients of a Service that is another name for it', /^service\//, {
    counts: 'host',
    severity: 'warning',
    remedy: ({ namespace, name, endpoint }) =>
      `kubectl -n ${namespace} patch service ${name} --type merge -p '{"spec":{"externalName":"${endpoint.host}"}}'`,
  }),
  object('the clients of that ConfigMap', /^configmap\//, {
    remedy: (it) => `${editObject(it)}, and restart what reads it`,
  }),
  file('the kubelet', /^\/etc\/kubernetes\/(bootstrap-)?kubelet\.conf /, {
    severity: 'error',
    fixedBy: 'rewrite-worker-kubeconfigs',
    remedy: (it) => andRestart({ ...it, unit: 'kubelet' }),
  }),
  file('kubectl and kubeadm on that node', /^\/etc\/kubernetes\/(super-)?admin\.conf /, {
    severity: 'error',
    fixedBy: 'rewrite-admin-kubeconfigs',
  }),
  file('a component of the control plane', /^\/etc\/kubernetes\/(controller-manager|scheduler)\.conf /, {
    severity: 'error',
    fixedBy: 'rewrite-control-plane-kubeconfigs',
  }),
  // Its current context is rewritten; the owner of the file knows the meaning of other contexts.
  file('kubectl of that user', /^\/(root|home\/[^/]+)\/\.kube\//, {
    fixedBy: 'rewrite-admin-kubeconfigs',
  }),
  // calico/node writes it when it starts, from the ConfigMap above.
  file('Calico', /^\/etc\/cni\/net\.d\/calico-kubeconfig /, {
    severity: 'error',
    remedy: () =>
      'Its pod on that node rewrites it at startup from the ConfigMap kubernetes-services-endpoint: correct that, then restart daemonset/calico-node.',
  }),
  file('the network plugin', /^\/etc\/cni\/net\.d\//, { severity: 'error' }),
  file(
    "the kubelet's unit",
    /^\/(etc\/systemd\/system\/kubelet|etc\/(default|sysconfig)\/kubelet|var\/lib\/kubelet\/)/,
    {
      severity: 'error',
      remedy: (it) => andRestart({ ...it, unit: 'kubelet' }),
    },
  ),
  file('a unit of systemd', /^\/etc\/systemd\/system\//, { remedy: andRestart }),
  file('a service that reads its environment there', /^\/etc\/(default|sysconfig)\//, { remedy: andRestart }),
  file('Prometheus on that machine', /^\/etc\/prometheus\//, {
    remedy: ({ path }) =>
      `${onNode}add every other control plane beside it in ${path}, then systemctl reload prometheus`,
  }),
  file('a static pod', /^\/etc\/kubernetes\/manifests\//),
  file('a program of that node', /^\//),
]

/** What a command for this mention is made of. */
export function toFix({ where }: Mention, sed: string, endpoint: Endpoint): ToFix {
  const [place = ''] = where.split(' ')
  if (place.startsWith('/'))
    return { path: place, namespace: '', name: '', object: '', unit: unitOf(place), sed, endpoint }
  const [kind = '', ...names] = place.split('/')
  const name = names.at(-1) ?? ''
  return {
    path: '',
    namespace: names.length > 1 ? (names[0] ?? '') : '',
    name,
    object: `${kind}/${name}`,
    unit: '',
    sed,
    endpoint,
  }
}

/** /etc/systemd/system/backup.service.d/api.conf and /etc/default/backup both belong to `backup`. */
function unitOf(path: string): string {
  const [, , , ...below] = path.startsWith('/etc/systemd/system/')
    ? path.slice(1).split('/')
    : ['', '', '', path.slice(path.lastIndexOf('/') + 1)]
  return (below[0] ?? '').replace(/\.d$/, '')
}
