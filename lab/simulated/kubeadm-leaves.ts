import { type KeyObject, X509Certificate } from 'node:crypto'
import { type CertificateWish, certificateRequest, issue, keyPem, newKey } from './certificates.js'
import { httpsUrl } from './host-port.js'
import { apiServerSans, type ClusterConfiguration, etcdSans, pkiOf, readConfig } from './kubeadm-config.js'
import { type Kubeadm, PhaseError } from './kubeadm-run.js'
import { embeddedKubeconfig, keyOnlyKubeconfig } from './kubeconfigs.js'
import type { SimulatedNode } from './node.js'
import { atLeast } from './version-order.js'
import type { Release } from './versions.js'

interface Owner {
  readonly cluster: ClusterConfiguration
  readonly nodeName: string
  readonly address: string
}

interface Leaf {
  /** Path below pki, without extension. */
  readonly file: string
  readonly signer: 'ca' | 'etcd/ca' | 'front-proxy-ca'
  readonly wish: CertificateWish
}

/** kubeadm's table of leaf certificates (app/phases/certs/certlist.go). */
function leavesOf(release: Release, { cluster, nodeName, address }: Owner): readonly Leaf[] {
  const etcdNames = etcdSans({ name: nodeName, address })
  const kubeletClientGroup = atLeast(release.version, '1.37') ? 'system:kubelet-api-admin' : release.adminGroup
  const client = (file: string, signer: Leaf['signer'], commonName: string, organizations: string[] = []): Leaf => ({
    file,
    signer,
    wish: { commonName, organizations, usage: 'client' },
  })
  return [
    client('front-proxy-client', 'front-proxy-ca', 'front-proxy-client'),
    client('etcd/healthcheck-client', 'etcd/ca', 'kube-etcd-healthcheck-client'),
    client('apiserver-etcd-client', 'etcd/ca', 'kube-apiserver-etcd-client'),
    { file: 'etcd/server', signer: 'etcd/ca', wish: { commonName: nodeName, usage: 'both', ...etcdNames } },
    { file: 'etcd/peer', signer: 'etcd/ca', wish: { commonName: nodeName, usage: 'both', ...etcdNames } },
    {
      file: 'apiserver',
      signer: 'ca',
      wish: { commonName: 'kube-apiserver', usage: 'server', ...apiServerSans(cluster, { name: nodeName, address }) },
    },
    client('apiserver-kubelet-client', 'ca', 'kube-apiserver-kubelet-client', [kubeletClientGroup]),
  ]
}

/** The leaf certificate with this path below pki. */
export function leafOf(release: Release, owner: Owner, file: string): Leaf {
  const leaf = leavesOf(release, owner).find((one) => one.file === file)
  if (leaf === undefined) throw new Error(`kubeadm makes no certificate ${file}`)
  return leaf
}

/** What kubeadm prints about a new serving certificate; nothing about a client certificate. */
export function printNames(run: Kubeadm, file: string, { dnsNames, ipAddresses }: CertificateWish): void {
  if (dnsNames === undefined || ipAddresses === undefined) return
  run.print(
    `[certs] ${file} serving cert is signed for DNS names [${dnsNames.join(' ')}] and IPs [${ipAddresses.join(' ')}]`,
  )
}

/** kubeadm considers the CA external if its certificate exists and its key does not (certs.UsingExternalCA). */
export const isExternalCa = (node: SimulatedNode, cluster: ClusterConfiguration): boolean =>
  node.exists(`${pkiOf(cluster)}/ca.crt`) && !node.exists(`${pkiOf(cluster)}/ca.key`)

/** Leaf certificates of a control plane, signed by the CAs on its node. All have the same key: making one is slow. */
export function makeCertificates(run: Kubeadm, owner: Owner): void {
  const {
    machine: { node },
    site,
  } = run
  const [key] = site.keys
  const pki = pkiOf(owner.cluster)
  if (key === undefined) throw new Error('the laboratory made no keys')
  run.print(`[certs] Using certificateDir folder "${pki}"`)
  for (const leaf of leavesOf(site.release, owner)) {
    // kubeadm makes no certificates of etcd's CA if etcd is external (cmd/phases/certs, GetCertsWithoutEtcd).
    if (leaf.signer === 'etcd/ca' && owner.cluster.etcd?.external !== undefined) continue
    if (node.exists(`${pki}/${leaf.signer}.key`)) makeLeaf(run, leaf, { key, pki })
    else requireProvided(node, leaf, pki)
  }
  run.print(`[certs] Valid certificates and keys now exist in "${pki}"`)
}

function makeLeaf(
  run: Kubeadm,
  { file, signer, wish }: Leaf,
  { key, pki }: { readonly key: KeyObject; readonly pki: string },
): void {
  const { node } = run.machine
  if (node.exists(`${pki}/${file}.crt`)) {
    run.print(`[certs] Using the existing "${file}" certificate and key`)
    return
  }
  run.print(`[certs] Generating "${file}" certificate and key`)
  const made = issue(wish, key, { cert: node.must(`${pki}/${signer}.crt`), key: node.must(`${pki}/${signer}.key`) })
  node.write(`${pki}/${file}.key`, made.key, 0o600)
  node.write(`${pki}/${file}.crt`, made.cert, 0o644)
  printNames(run, file, wish)
}

/** Without the CA's key each certificate must exist, signed by that CA, and have a key (certs.CreateTree): names and dates are not checked. */
function requireProvided(node: SimulatedNode, { file, signer }: Leaf, pki: string): void {
  const failed = (why: string): PhaseError =>
    new PhaseError(
      'control-plane-prepare/certs',
      `error creating PKI assets: could not load expected certificate "${file}" or validate the existence of key "${signer}" for it: ${why}`,
    )
  for (const [kind, ending] of [
    ['key', 'key'],
    ['certificate', 'crt'],
  ] as const) {
    const path = `${pki}/${file}.${ending}`
    if (!node.exists(path))
      throw failed(
        `failure loading ${kind} for ${file}: couldn't load the ${kind} file ${path}: open ${path}: no such file or directory`,
      )
  }
  const ca = new X509Certificate(node.must(`${pki}/${signer}.crt`))
  if (!new X509Certificate(node.must(`${pki}/${file}.crt`)).verify(ca.publicKey))
    throw failed(`certificate ${file} is not signed by corresponding CA: x509: certificate signed by unknown authority`)
}

interface KubeconfigOwner {
  readonly cluster: ClusterConfiguration
  readonly address: string
  readonly bindPort: number
}

/** admin.conf at the endpoint; controller-manager and scheduler at the node's own API server (since 1.20). */
function kubeconfigsOf(release: Release, { cluster, address, bindPort }: KubeconfigOwner) {
  const local = httpsUrl(address, bindPort)
  const endpoint = cluster.controlPlaneEndpoint === undefined ? local : `https://${cluster.controlPlaneEndpoint}`
  return [
    { file: 'admin', user: 'kubernetes-admin', groups: [release.adminGroup], server: endpoint },
    { file: 'controller-manager', user: 'system:kube-controller-manager', groups: [], server: local },
    { file: 'scheduler', user: 'system:kube-scheduler', groups: [], server: local },
  ]
}

/** With an external CA it writes none, and does not check whether they exist (kubeconfig.CreateJoinControlPlaneKubeConfigFiles). */
export function writeKubeconfigs(run: Kubeadm, owner: KubeconfigOwner): void {
  const {
    machine: { node },
    site,
  } = run
  const [key] = site.keys
  if (key === undefined) throw new Error('the laboratory made no keys')
  run.print('[kubeconfig] Using kubeconfig folder "/etc/kubernetes"')
  for (const { file, user, groups, server } of kubeconfigsOf(site.release, owner)) {
    if (isExternalCa(node, owner.cluster)) {
      run.print(`[kubeconfig] External CA mode: Using user provided ${file}.conf`)
      continue
    }
    const pki = pkiOf(owner.cluster)
    const ca = { cert: node.must(`${pki}/ca.crt`), key: node.must(`${pki}/ca.key`) }
    run.print(`[kubeconfig] Writing "${file}.conf" kubeconfig file`)
    const identity = issue({ commonName: user, organizations: groups, usage: 'client' }, key, ca)
    node.write(`/etc/kubernetes/${file}.conf`, embeddedKubeconfig(server, ca.cert, user, identity), 0o600)
  }
}

/**
 * `kubeadm certs generate-csr`: a key and a request for every leaf, and a kubeconfig with a key and neither CA nor certificate for every user
 * (certs.CreateDefaultKeysAndCSRFiles, kubeconfig.CreateDefaultKubeConfigsAndCSRFiles; tried with 1.30.4 and 1.37.2). Here one key for all.
 */
export async function certsGenerateCsr(run: Kubeadm, config: string, args: readonly string[]): Promise<void> {
  const { InitConfiguration: init = {}, ClusterConfiguration: cluster } = readConfig(run, config)
  if (cluster === undefined) throw new Error('no ClusterConfiguration in the configuration file')
  const { node } = run.machine
  const { release } = run.site
  const folderOf = (flag: string): string => args[args.indexOf(flag) + 1] ?? ''
  const [certDir, kubeconfigDir] = [folderOf('--cert-dir'), folderOf('--kubeconfig-dir')]
  const nodeName = init.nodeRegistration?.name ?? node.hostname
  const { advertiseAddress: address = node.defaultAddress, bindPort = 6443 } = init.localAPIEndpoint ?? {}
  const key = await newKey()
  run.print(`generating keys and CSRs in ${certDir}`)
  for (const { file, wish } of leavesOf(release, { cluster, nodeName, address })) {
    node.write(`${certDir}/${file}.key`, keyPem(key), 0o600)
    node.write(`${certDir}/${file}.csr`, certificateRequest(wish, key), 0o600)
    run.print(`  ${file}`)
  }
  run.print(`generating keys and CSRs in ${kubeconfigDir}`)
  const known = kubeconfigsOf(release, { cluster, address, bindPort })
  const kubelet = { file: 'kubelet', user: `system:node:${nodeName}`, groups: ['system:nodes'] }
  for (const { file, user, groups, server } of [...known, { ...kubelet, server: known[0]?.server ?? '' }]) {
    const wish: CertificateWish = { commonName: user, organizations: groups, usage: 'client' }
    node.write(`${kubeconfigDir}/${file}.conf`, keyOnlyKubeconfig(server, user, keyPem(key)), 0o600)
    node.write(`${kubeconfigDir}/${file}.conf.csr`, certificateRequest(wish, key), 0o600)
    run.print(`  ${file}.conf`)
  }
}
