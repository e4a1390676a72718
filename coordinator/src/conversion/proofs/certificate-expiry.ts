import type { CertificateFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Proof } from '../context/proof.js'
import { foldersOf } from '../facts/cluster-folders.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'certificate-expiry'
const dayMs = 86_400_000
const soonMs = 7 * dayMs

/** Control planes created together have certificates that expire together: then all API servers stop in the same hour. */
export const certificateExpiry: Proof = {
  id,
  title: 'No control plane certificate expires within a week',
  foreseen: [{ asks: 'a week or more', checks: ['certificate-expiry'], stays: ['certificate-expiry'] }],
  async prove(run) {
    const seen = await Promise.all(
      run.controlPlanes.map(async (node): Promise<readonly Seen[]> => {
        const facts = await run.nodeFacts(node)
        const { certificates, clockUnixMs } = facts
        const { kubeletCertDir } = foldersOf(facts)
        const ending = certificates.filter((one) => endsSoon(one, clockUnixMs, kubeletCertDir))
        if (ending.length > 0)
          return ending.map(({ path, notAfterUnixMs }) =>
            notProved(id, {
              node: node.name,
              message: `${path} ${notAfterUnixMs < clockUnixMs ? 'has expired' : 'expires soon'}`,
              evidence: `not valid after ${new Date(notAfterUnixMs).toISOString()}`,
              remedy:
                'On that control plane: kubeadm certs check-expiration; kubeadm certs renew all, then restart the static pods as it says.',
            }),
          )
        const first = Math.min(...certificates.map(({ notAfterUnixMs }) => notAfterUnixMs).filter((at) => at > 0))
        return [
          {
            what: `certificates of ${node.name}`,
            saw: Number.isFinite(first) ? `the first expires ${new Date(first).toISOString()}` : 'none',
          },
        ]
      }),
    )
    return resultOf(seen.flat())
  },
}

/** A kubelet renews its own client certificate, which may be made for a day: only one that has ended says something. */
function endsSoon({ path, notAfterUnixMs }: CertificateFacts, now: number, kubelet: string): boolean {
  const margin = path.startsWith(`${kubelet}/`) ? 0 : soonMs
  return notAfterUnixMs > 0 && notAfterUnixMs - now < margin
}
