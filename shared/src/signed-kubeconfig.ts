import { parse, stringify } from 'yaml'

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, unknown>> }[]
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, unknown>> }[]
}

export interface SignedKubeconfigWish {
  /** PEM of the cluster's CA. */
  readonly caPem: string
  /** Certificate and key: the certificate in PEM beside the key that is inside, or the path of a file that has both. */
  readonly credentials: { readonly certPem: string } | { readonly path: string }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/**
 * A kubeconfig as `kubeadm certs generate-csr` leaves it, with a key and neither CA nor certificate (app/phases/kubeconfig, createKubeConfigAndCSR),
 * made whole. It has one cluster and one user.
 */
export function signedKubeconfig(template: string, { caPem, credentials }: SignedKubeconfigWish): string {
  const config = parse(template) as Kubeconfig
  const withCertificate = (user: Readonly<Record<string, unknown>>) =>
    'path' in credentials
      ? { 'client-certificate': credentials.path, 'client-key': credentials.path }
      : { 'client-certificate-data': base64(credentials.certPem), ...user }
  const whole = {
    ...config,
    clusters: config.clusters.map(({ cluster, ...rest }) => ({
      cluster: { 'certificate-authority-data': base64(caPem), ...cluster },
      ...rest,
    })),
    users: config.users.map(({ user, ...rest }) => ({ ...rest, user: withCertificate(user) })),
  }
  return stringify(whole, { lineWidth: 0 })
}
