import { asQuorateError } from '@quorate/shared/errors'
import { apiPath } from '../cluster/kube-objects.js'
import type { Tools } from '../context/tools.js'

const name = 'quorate-availability'
export const leasePath = `${apiPath.systemLeases}/${name}`

/** metav1.MicroTime: RFC 3339 with six digits. */
export const microTime = (): string => new Date().toISOString().replace('Z', '000Z')

/** Makes the Lease that writes renew; one left by an earlier watch is reused. False if it cannot be made now. */
export async function makeLease({ kube }: Tools, signal: AbortSignal): Promise<boolean> {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: 'kube-system' },
    spec: { holderIdentity: 'quorate', leaseDurationSeconds: 15, renewTime: microTime() },
  }
  return kube()
    .then((api) => api.create(apiPath.systemLeases, lease, signal))
    .then(
      () => true,
      () => false,
    )
}

/** Deletes it through the node's own API server; nothing to do on other nodes. */
export async function deleteLease({ kube }: Tools, signal: AbortSignal): Promise<void> {
  try {
    await (await kube()).remove(leasePath, signal)
  } catch (error) {
    if (asQuorateError(error).code !== 'NOT_A_CONTROL_PLANE') throw error
  }
}
