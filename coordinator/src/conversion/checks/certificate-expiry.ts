import { type Clock, systemClock } from '@quorate/shared/clock'
import type { CertificateFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeVipConfPath } from '@quorate/shared/kube-vip-manifest'
import { withFacts } from '../with-facts.js'
import type { Check, Finding } from './check.js'

const id = 'certificate-expiry'
const dayMs = 86_400_000
const soonDays = 30

/** A certificate that ends during or soon after the conversion looks like a failure of it. */
export const certificateExpiryBy = (clock: Clock): Check => ({
  id,
  title: 'No certificate has expired or is about to',
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }) =>
      facts.certificates.flatMap((certificate) => judge(name, certificate, clock.now())),
    )
  },
})

export const certificateExpiry = certificateExpiryBy(systemClock)

function judge(node: string, certificate: CertificateFacts, now: number): Finding[] {
  const days = (certificate.notAfterUnixMs - now) / dayMs
  const where = { id, node, remedy: remedyFor(certificate) } as const
  const evidence = `${certificate.path}: ${certificate.subject}, valid ${day(certificate.notBeforeUnixMs)} to ${day(certificate.notAfterUnixMs)}`
  if (certificate.notBeforeUnixMs > now)
    return [{ ...where, severity: 'error', message: `${certificate.path} is not valid yet`, evidence }]
  if (days < 0) return [{ ...where, severity: 'error', message: `${certificate.path} has expired`, evidence }]
  if (days >= soonDays) return []
  return [{ ...where, severity: 'warning', message: `${certificate.path} ends in ${Math.floor(days)} days`, evidence }]
}

function remedyFor(certificate: CertificateFacts): string {
  if (certificate.isCa)
    return 'A CA is renewed by hand: see "Manual Rotation of CA Certificates" in the documentation of Kubernetes. Do it before the conversion.'
  if (certificate.path === kubeVipConfPath)
    return 'kubeadm does not renew it: `quorate convert` makes a new one when it has less than a month.'
  if (certificate.path.includes('kubelet'))
    return 'On that node: systemctl restart kubelet; if it stays, see "Kubelet client certificate rotation fails" in the documentation of kubeadm.'
  return 'On that control plane: kubeadm certs renew all, then restart the static pods as it says.'
}

function day(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10)
}
