import type { Identity } from './certificates.js'
import { yamlText } from './yaml-text.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Kubeconfig with the client certificate inside, as kubeadm writes admin.conf and the like. */
export function embeddedKubeconfig(server: string, caPem: string, user: string, identity: Identity): string {
  const credentials = { 'client-certificate-data': base64(identity.cert), 'client-key-data': base64(identity.key) }
  return kubeconfig({ server, caPem, cluster: 'kubernetes', context: `${user}@kubernetes`, user, credentials })
}

/** As `kubeadm certs generate-csr` leaves one: a key, neither CA nor certificate. */
export function keyOnlyKubeconfig(server: string, user: string, key: string): string {
  const credentials = { 'client-key-data': base64(key) }
  return kubeconfig({ server, cluster: 'kubernetes', context: `${user}@kubernetes`, user, credentials })
}

const rotated = '/var/lib/kubelet/pki/kubelet-client-current.pem'

/** kubelet.conf of the node on which `kubeadm init` ran: named after the cluster, with the rotated certificate's path. */
export function firstKubeletKubeconfig(server: string, caPem: string, nodeName: string): string {
  const user = `system:node:${nodeName}`
  const credentials = { 'client-certificate': rotated, 'client-key': rotated }
  return kubeconfig({ server, caPem, cluster: 'kubernetes', context: `${user}@kubernetes`, user, credentials })
}

/** kubelet.conf as the kubelet itself writes it after its TLS bootstrap. */
export function bootstrappedKubeletKubeconfig(server: string, caPem: string): string {
  const credentials = { 'client-certificate': rotated, 'client-key': rotated }
  return kubeconfig({
    server,
    caPem,
    cluster: 'default-cluster',
    context: 'default-context',
    user: 'default-auth',
    namespace: 'default',
    credentials,
  })
}

/** bootstrap-kubelet.conf: the join token instead of a certificate. */
export function bootstrapKubeconfig(server: string, caPem: string, token: string): string {
  return kubeconfig({
    server,
    caPem,
    cluster: 'kubernetes',
    context: 'tls-bootstrap-token-user@kubernetes',
    user: 'tls-bootstrap-token-user',
    credentials: { token },
  })
}

interface Parts {
  readonly server: string
  readonly caPem?: string
  readonly cluster: string
  readonly context: string
  readonly user: string
  readonly namespace?: string
  readonly credentials: Readonly<Record<string, string>>
}

function kubeconfig({ server, caPem, cluster, context, user, namespace, credentials }: Parts): string {
  return yamlText({
    apiVersion: 'v1',
    clusters: [
      {
        cluster: { ...(caPem === undefined ? {} : { 'certificate-authority-data': base64(caPem) }), server },
        name: cluster,
      },
    ],
    contexts: [{ context: { cluster, ...(namespace === undefined ? {} : { namespace }), user }, name: context }],
    'current-context': context,
    kind: 'Config',
    users: [{ name: user, user: credentials }],
  })
}
