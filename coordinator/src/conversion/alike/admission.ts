import type { TriedChange } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { formatEndpoint } from '@quorate/shared/names'
import { clusterTexts, type TextPlace } from '@quorate/shared/text-place'
import { certSansOf } from '../certificates/hand-added-sans.js'
import type { ConversionRun } from '../context/run.js'
import { endpointServer } from '../endpoint/servers.js'
import { toJoin } from '../facts/membership.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { portOutside } from '../load-balancers/service.js'
import { adoptedExtras } from './joiners.js'

/** What admission does to a change, and what to do about it. */
export interface Refusal {
  /** Changes with the same refusal are reported together. */
  readonly by: string
  readonly severity: 'error' | 'warning'
  /** After "the run would": one sentence. */
  readonly message: string
  readonly remedy: string
}

type Reader = (tried: TriedChange, match: RegExpExecArray) => Refusal

const seeObject = (registeredBy: string): string =>
  registeredBy === ''
    ? 'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations names its object'
    : `kubectl get ${registeredBy} -o yaml`

const exempt =
  'Exempt the named objects, or the namespace kube-system, in its own policy; or set it to audit until the run has finished.'

/** Messages of the API server, by the parts of it that refuse. */
const readers: readonly (readonly [RegExp, Reader])[] = [
  [
    /webhook "([^"]{1,253})" does not support dry run/,
    ({ registeredBy }, [, webhook = '']) => ({
      by: `webhook ${webhook}`,
      severity: 'warning',
      message: `the admission webhook ${webhook} has side effects, so a dry run skips the changes that it reviews; it may still refuse`,
      remedy: `Ask its operators whether it accepts these changes: ${seeObject(registeredBy)}. To include them in the dry run, set its sideEffects to NoneOnDryRun if that is true.`,
    }),
  ],
  [
    /failed calling webhook "([^"]{1,253})"/,
    ({ registeredBy }, [, webhook = '']) => ({
      by: `webhook ${webhook}`,
      severity: 'error',
      message: `the admission webhook ${webhook} does not answer, and without it the API server refuses`,
      remedy: `Bring its Service up, or delete its leftovers: ${seeObject(registeredBy)} says where it is (clientConfig); failurePolicy: Ignore accepts changes while it is unavailable.`,
    }),
  ],
  [
    /admission webhook "([^"]{1,253})" denied the request/,
    ({ registeredBy }, [, webhook = '']) => ({
      by: `webhook ${webhook}`,
      severity: 'error',
      message: `the admission webhook ${webhook} refuses`,
      remedy: `${exempt} ${seeObject(registeredBy)}`,
    }),
  ],
  [
    /ValidatingAdmissionPolicy '([^']{1,253})' with binding '([^']{1,253})' denied request/,
    (_, [, policy = '', binding = '']) => ({
      by: `policy ${policy}`,
      severity: 'error',
      message: `ValidatingAdmissionPolicy ${policy} refuses`,
      remedy: `kubectl get validatingadmissionpolicybinding ${binding} -o yaml. Exempt kube-system by its matchResources (namespaceSelector: kubernetes.io/metadata.name NotIn kube-system, kube-public), or remove Deny from its validationActions until the run has finished.`,
    }),
  ],
  [
    /exceeded quota: ([^,]{1,253}), requested/,
    (_, [, quota = '']) => ({
      by: `quota ${quota}`,
      severity: 'error',
      message: `ResourceQuota ${quota} is used up`,
      remedy: `Raise it: kubectl -n kube-system edit resourcequota ${quota}`,
    }),
  ],
  [
    /violates PodSecurity "([^"]{1,100})"/,
    (_, [, level = '']) => ({
      by: `PodSecurity ${level}`,
      severity: 'error',
      message: `Pod Security Admission holds kube-system to ${level}, which no component of Kubernetes meets`,
      remedy: 'kubectl label namespace kube-system pod-security.kubernetes.io/enforce=privileged --overwrite',
    }),
  ],
  [
    /cannot impersonate resource/,
    () => ({
      by: 'impersonation',
      severity: 'warning',
      message:
        'admin.conf is not allowed to impersonate controllers and kubelets, so a dry run cannot include the objects that they create',
      remedy:
        'kubectl get clusterrolebinding kubeadm:cluster-admins -o yaml; it must bind the ClusterRole cluster-admin.',
    }),
  ],
  [
    /is forbidden: User "([^"]{1,253})" cannot/,
    (_, [, user = '']) => ({
      by: `rights of ${user}`,
      severity: 'error',
      message: `RBAC does not allow ${user} to`,
      remedy:
        'kubectl get clusterrolebinding kubeadm:cluster-admins -o yaml; it must bind the ClusterRole cluster-admin.',
    }),
  ],
  [
    /is forbidden: /,
    () => ({
      by: 'admission',
      severity: 'error',
      message: 'an admission plugin refuses',
      remedy:
        'The message names what it asks for; grep admission /etc/kubernetes/manifests/kube-apiserver.yaml shows the plugins of this API server and their configuration.',
    }),
  ],
]

/** Undefined: it would be made as it was sent. */
export function refusalOf(tried: TriedChange): Refusal | undefined {
  const { error, altered } = tried
  for (const [pattern, read] of readers) {
    const match = pattern.exec(error)
    if (match !== null) return read(tried, match)
  }
  if (error !== '')
    return {
      by: 'the API server',
      severity: 'warning',
      message: 'the API server refuses in a dry run, for a reason that Quorate does not recognise',
      remedy: 'quorate explain identifies known messages. To try the change by hand: kubectl apply --dry-run=server',
    }
  if (!altered) return undefined
  return {
    by: 'a mutating webhook',
    severity: 'error',
    message: 'a mutating webhook or policy changes what is written to',
    remedy: `kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies. ${exempt}`,
  }
}

/** Everything that the run is about to change in the API, as the first control plane's API server would take it. */
export async function triedChanges(run: ConversionRun): Promise<readonly TriedChange[]> {
  const [joining, cluster] = await Promise.all([toJoin(run), run.clusterFacts()])
  const moved = (text: string | undefined, place: TextPlace) =>
    text === undefined ? '' : lacksEndpoint(run, text, place)
  const { kubeProxy, clusterInfo, kubeadmConfig } = cluster
  const clusterInfoServer = moved(clusterInfo?.text, clusterTexts.clusterInfo)
  if (joining.length === 0 && clusterInfoServer === '') return []
  const request = {
    kubeadmConfig: {
      controlPlaneEndpoint: formatEndpoint(run.endpoint),
      certSans: await certSansOf(run, kubeadmConfig?.text ?? ''),
      extras: [...(await adoptedExtras(run))],
    },
    kubeProxyServer: kubeProxy?.present === true ? moved(kubeProxy.text, clusterTexts.kubeProxyKubeconfig) : '',
    clusterInfoServer,
    coreDns: joining.length > 0,
    joining: joining.map(({ name }) => name),
    apiService: await apiServiceOf(run),
  }
  return (await run.agent(run.first).read('tryChanges', request, { deadlineMs: 60_000 })).tried
}

/** The server that such a kubeconfig must get; empty if it has it, or is not a kubeconfig. */
function lacksEndpoint(run: ConversionRun, text: string, place: TextPlace): string {
  const wanted = endpointServer(run)
  try {
    return readKubeconfig(text, place).server === wanted ? '' : wanted
  } catch {
    // For other checks.
    return ''
  }
}

async function apiServiceOf(run: ConversionRun) {
  const { loadBalancer } = run.file
  if (loadBalancer.kind !== 'service') return undefined
  const targetPort = apiServerPort(await run.nodeFacts(run.first))
  return { port: portOutside(run.file), targetPort, address: loadBalancer.virtualIP ?? '' }
}
