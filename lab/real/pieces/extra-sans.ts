import { kubeadmText } from '../machines/kubeadm-documents.js'
import type { Piece } from './piece.js'

/** A name that was added to the API server's certificate. */
export const addedByHand = { name: 'old-name.example.com', address: '192.0.2.77' }

/** As is common: a new certificate from a copy of the configuration that is not uploaded. */
export const extraSans: Piece = {
  async after(lab) {
    const cp1 = lab.node('cp1')
    const documents = lab.kubeadmDocuments()
    const known = documents.cluster.apiServer
    documents.cluster.apiServer = { ...known, certSANs: [addedByHand.name, addedByHand.address] }
    await cp1.put('/root/sans.yaml', kubeadmText(documents), '0600')
    await cp1.must(['rm', '/etc/kubernetes/pki/apiserver.crt', '/etc/kubernetes/pki/apiserver.key'])
    await cp1.must(['kubeadm', 'init', 'phase', 'certs', 'apiserver', '--config', '/root/sans.yaml'])
  },
}
