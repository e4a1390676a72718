import { type Clock, systemClock } from '@quorate/shared/clock'
import type { CertificateFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipConfPath } from '@quorate/shared/kube-vip-manifest'
import type { Finding } from '../context/finding.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'certificate-expiry'
const dayMs = 86_400_000
const soonDays = 30

/** A certificate that expires during or soon after the conversion looks like a failure of the conversion. */
export const certificateExpiryBy = (clock: Clock): Check => ({
  id,
  title: 'No certificate has expired or expires soon',
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }) =>
      facts.certificates.flatMap((certificate) =>
        isUsed(certificate, facts) ? judge(name, certificate, clock.now()) : unused(name, certificate, clock.now()),
      ),
    )
  },
})

export const certificateExpiry = certificateExpiryBy(systemClock)

/** The pki folder may hold unused copies: only what a flag, a kubeconfig or the kubelet names is used. */
function isUsed({ path }: CertificateFacts, { staticPods, manifestProblems, kubeconfigs }: NodeFacts): boolean {
  // Of kubeconfigs, and the kubelet's own; and where a manifest cannot be read it is unknown.
  if (!path.endsWith('.crt') || manifestProblems.length > 0) return true
  // The kubelet's clientCAFile, and what kubeadm asks etcd with, are in no flag.
  if (/\/ca\.crt$/.test(path) && !path.endsWith('/etcd/ca.crt')) return true
  if (path.endsWith('/etcd/healthcheck-client.crt')) return staticPods.some(({ component }) => component === 'etcd')
  const words = staticPods.flatMap(({ command }) => command.flatMap((word) => word.split(/[=,:]/)))
  return words.includes(path) || kubeconfigs.some(({ redactedText }) => redactedText.includes(path))
}

function unused(node: string, { path, notAfterUnixMs }: CertificateFacts, now: number): Finding[] {
  if (notAfterUnixMs > now) return []
  return [
    {
      ...{ id, severity: 'info', node },
      message: `${path} has expired; no static pod and no kubeconfig of this node uses it`,
      evidence: `${path}: valid to ${day(notAfterUnixMs)}`,
      remedy: `Nothing to do. To tidy up, on that node: mv ${path} /root/`,
    },
  ]
}

function judge(node: string, certificate: CertificateFacts, now: number): Finding[] {
  const days = (certificate.notAfterUnixMs - now) / dayMs
  const where = { id, node, remedy: remedyFor(certificate) } as const
  const evidence = `${certificate.path}: ${certificate.subject}, valid ${day(certificate.notBeforeUnixMs)} to ${day(certificate.notAfterUnixMs)}`
  if (certificate.notBeforeUnixMs > now)
    return [{ ...where, severity: 'error', message: `${certificate.path} is not valid yet`, evidence }]
  if (days < 0) return [{ ...where, severity: 'error', message: `${certificate.path} has expired`, evidence }]
  if (days >= soonDays) return []
  return [
    { ...where, severity: 'warning', message: `${certificate.path} expires in ${Math.floor(days)} days`, evidence },
  ]
}

function remedyFor(certificate: CertificateFacts): string {
  if (certificate.isCa)
    return 'A CA must be renewed by hand, before the conversion: see "Manual Rotation of CA Certificates" in the Kubernetes documentation.'
  if (certificate.path === kubeVipConfPath)
    return 'kubeadm does not renew it. `quorate convert` replaces it when it is valid for less than a month.'
  if (certificate.path.includes('kubelet'))
    return 'On that node: systemctl restart kubelet. If that does not help, see "Kubelet client certificate rotation fails" in the kubeadm documentation.'
  return 'On that control plane: kubeadm certs renew all, then restart the static pods as it says.'
}

function day(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10)
}
