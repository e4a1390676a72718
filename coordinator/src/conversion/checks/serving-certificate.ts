import { canonicalAddress } from '@quorate/shared/pki'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { existingNodes } from '../facts/membership.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import type { Check } from './check.js'

const id = 'serving-certificate'

/** kubeadm and the agent speak to the API server by its node's own address (kubeadm#3313); one that was moved to another address lacks it (kubeadm#338). */
export const servingCertificate: Check = {
  id,
  title: "Each API server's certificate names its node's address",
  async check(run) {
    const existing = await existingNodes(run)
    const controlPlanes = run.controlPlanes.filter((node) => existing.includes(node))
    return (await Promise.all(controlPlanes.map((node) => ofNode(run, node)))).flat()
  },
}

async function ofNode(run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const facts = await run.nodeFacts(node)
  const path = pkiPath(facts, 'apiserver.crt')
  const sans = facts.certificates.find((certificate) => certificate.path === path)?.sans
  if (sans === undefined || sans.includes(canonicalAddress(node.address))) return []
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `the API server's certificate is not for ${node.address}: kubeadm upload-certs and the health checks would refuse it`,
      evidence: `${path}: ${sans.join(', ') || '(no name at all)'}`,
      remedy: `If ${node.address} is right, on that node: mv ${path} /root/ && mv ${path.replace('.crt', '.key')} /root/ && kubeadm init phase certs apiserver --apiserver-advertise-address ${node.address} --control-plane-endpoint ${node.address}:${apiServerPort(facts)}. To change the address of a control plane, do it before the conversion.`,
    },
  ]
}
