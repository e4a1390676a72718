import { sha256Hex } from '@quorate/shared/hash'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { pemBlocks } from '@quorate/shared/pki'
import { clusterTexts } from '@quorate/shared/text-place'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { pkiPath } from '../facts/cluster-folders.js'
import type { Check } from './check.js'

const id = 'cluster-ca'

/** Joiners pin the first certificate of ca.crt and get what cluster-info says: both must be the one CA (kubeadm, discovery by token). */
export const clusterCa: Check = {
  id,
  title: 'The cluster has one CA, and cluster-info names it',
  async check(run) {
    const facts = await run.nodeFacts(run.first)
    const [own, path] = [blocks(facts.clusterCaPem), pkiPath(facts, 'ca.crt')]
    const text = (await run.clusterFacts()).clusterInfo?.text ?? ''
    const published = text === '' ? [] : blocks(readKubeconfig(text, clusterTexts.clusterInfo).caPem ?? '')
    return [...ofBundle(run, own.length, path), ...ofPublished(run, { own, path }, published)]
  },
}

const blocks = (pem: string): string[] =>
  [...pemBlocks(pem, 'CERTIFICATE')].map((one) => sha256Hex(one.replace(/\s/g, '')))

function ofBundle(run: ConversionRun, certificates: number, path: string): Finding[] {
  if (certificates < 2) return []
  return [
    {
      id,
      severity: 'warning',
      node: run.first.name,
      message: 'ca.crt is a bundle: joiners pin its first certificate, and kubeadm copies the whole file',
      evidence: `${path}: ${certificates} certificates`,
      remedy: `Finish the CA rotation first, or find the certificate that signs: openssl crl2pkcs7 -nocrl -certfile ${path} | openssl pkcs7 -print_certs -noout`,
    },
  ]
}

function ofPublished(
  run: ConversionRun,
  { own, path }: { readonly own: readonly string[]; readonly path: string },
  published: readonly string[],
): Finding[] {
  const [pinned] = own
  if (pinned === undefined || published.length === 0 || published.includes(pinned)) return []
  return [
    {
      id,
      severity: 'error',
      message: 'the CA in cluster-info differs from the one of the first control plane: no joiner would trust it',
      evidence: `cluster-info ${short(published)}; ${path} ${short(own)} on ${run.first.name}`,
      remedy:
        'Put the content of ca.crt, in base64, as certificate-authority-data into: kubectl -n kube-public edit configmap cluster-info',
    },
  ]
}

const short = (hashes: readonly string[]): string => hashes.map((hash) => hash.slice(0, 16)).join(', ')
