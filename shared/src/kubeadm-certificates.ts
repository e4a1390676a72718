/** The CAs of a kubeadm cluster: their files below pki, without ending (app/phases/certs, the certificate tree). */
export const kubeadmCas = ['ca', 'front-proxy-ca', 'etcd/ca'] as const
export type KubeadmCa = (typeof kubeadmCas)[number]

/** One certificate that a control plane has of its own. */
export interface LeafCertificate {
  /** `apiserver`, `etcd-server`; of the client certificate in a kubeconfig the file's name: `admin.conf`. */
  readonly name: string
  readonly ca: KubeadmCa
  readonly usages: readonly ('client' | 'server')[]
  /** Its files below pki, without ending; unset: it lies in the kubeconfig of its name. */
  readonly path?: string
}

const [client, server, both] = [['client'], ['server'], ['server', 'client']] as const

/**
 * EVERY CERTIFICATE THAT A JOINING CONTROL PLANE NEEDS, AND WHOSE CA SIGNS IT (kubeadm's app/phases/certs/certlist.go and app/phases/kubeconfig).
 * Without super-admin.conf: a join makes none. With kubelet.conf: where the CA's key is elsewhere, no controller signs what a kubelet asks for.
 */
export const leafCertificates: readonly LeafCertificate[] = [
  { name: 'apiserver', ca: 'ca', usages: server, path: 'apiserver' },
  { name: 'apiserver-kubelet-client', ca: 'ca', usages: client, path: 'apiserver-kubelet-client' },
  { name: 'admin.conf', ca: 'ca', usages: client },
  { name: 'controller-manager.conf', ca: 'ca', usages: client },
  { name: 'scheduler.conf', ca: 'ca', usages: client },
  { name: 'kubelet.conf', ca: 'ca', usages: client },
  { name: 'front-proxy-client', ca: 'front-proxy-ca', usages: client, path: 'front-proxy-client' },
  { name: 'apiserver-etcd-client', ca: 'etcd/ca', usages: client, path: 'apiserver-etcd-client' },
  { name: 'etcd-server', ca: 'etcd/ca', usages: both, path: 'etcd/server' },
  { name: 'etcd-peer', ca: 'etcd/ca', usages: both, path: 'etcd/peer' },
  { name: 'etcd-healthcheck-client', ca: 'etcd/ca', usages: client, path: 'etcd/healthcheck-client' },
]

/** The certificate of that name; undefined for a name that is not in the table. */
export const leafNamed = (name: string): LeafCertificate | undefined =>
  leafCertificates.find((one) => one.name === name)
