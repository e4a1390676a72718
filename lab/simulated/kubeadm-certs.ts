import { X509Certificate } from 'node:crypto'
import { readCertificate } from '@quorate/shared/pki'
import { type Identity, issue } from './certificates.js'
import { pkiOf, storedConfiguration } from './kubeadm-config.js'
import type { Kubeadm } from './kubeadm-run.js'

const signers: Readonly<Record<string, readonly string[]>> = {
  ca: ['apiserver', 'apiserver-kubelet-client'],
  'etcd/ca': ['apiserver-etcd-client', 'etcd/healthcheck-client', 'etcd/peer', 'etcd/server'],
  'front-proxy-ca': ['front-proxy-client'],
}
const kubeconfigs = ['admin', 'super-admin', 'controller-manager', 'scheduler']
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

/**
 * `kubeadm certs renew all`: issues every leaf certificate of this node again, with the names of the old one; certSANs of kubeadm-config are
 * ignored (app/phases/certs/renewal). Restarts nothing, and does not touch the kubelet's own certificate.
 */
export async function certsRenewAll(run: Kubeadm): Promise<void> {
  const { node } = run.machine
  const pki = pkiOf(storedConfiguration(run.site))
  run.print('[renew] Reading configuration from the cluster...')
  for (const [signer, leaves] of Object.entries(signers)) {
    for (const leaf of leaves) {
      const renewed = renew(run, node.must(`${pki}/${leaf}.crt`), `${pki}/${signer}`)
      node.write(`${pki}/${leaf}.key`, renewed.key, 0o600)
      node.write(`${pki}/${leaf}.crt`, renewed.cert, 0o644)
      run.print(`certificate ${leaf} renewed`)
    }
  }
  for (const name of kubeconfigs) renewKubeconfig(run, `/etc/kubernetes/${name}.conf`)
  run.print('')
  run.print(
    'Done renewing certificates. You must restart the kube-apiserver, kube-controller-manager, kube-scheduler and etcd, so that they can use the new certificates.',
  )
}

/** `signer`: path of the CA's files without extension. */
function renew({ machine: { node }, site }: Kubeadm, old: string, signer: string): Identity {
  const [key] = site.keys
  if (key === undefined) throw new Error('the laboratory made no keys')
  const { commonName, sans } = readCertificate(old)
  const { subject, keyUsage: uses = [] } = new X509Certificate(old)
  const isAddress = (san: string): boolean => /^[\d.]+$|:/.test(san)
  const isServer = uses.includes(serverAuth)
  const usage = isServer && uses.includes(clientAuth) ? 'both' : isServer ? 'server' : 'client'
  const wish = {
    commonName,
    organizations: [...subject.matchAll(/^O=(.*)$/gm)].map(([, organization = '']) => organization),
    dnsNames: sans.filter((san) => !isAddress(san)),
    ipAddresses: sans.filter(isAddress),
    usage,
  } as const
  return issue(wish, key, { cert: node.must(`${signer}.crt`), key: node.must(`${signer}.key`) })
}

/** Renews the client certificate in a kubeconfig; its server stays. */
function renewKubeconfig(run: Kubeadm, path: string): void {
  const { node } = run.machine
  const text = node.read(path)
  if (text === undefined) return
  const [, old = ''] = /client-certificate-data: (\S+)/.exec(text) ?? []
  const { cert, key } = renew(run, Buffer.from(old, 'base64').toString(), `${pkiOf(storedConfiguration(run.site))}/ca`)
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  const renewed = text
    .replace(/(client-certificate-data: )\S+/, `$1${base64(cert)}`)
    .replace(/(client-key-data: )\S+/, `$1${base64(key)}`)
  node.write(path, renewed, 0o600)
  run.print(`certificate embedded in the kubeconfig file ${path} renewed`)
}
