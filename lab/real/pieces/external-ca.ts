import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Piece, PieceLab } from './piece.js'

/** Where the lab keeps the CA's certificate and key, which no node has any more. */
export const keysElsewhere = (lab: PieceLab): string => join(lab.folder, 'keys-elsewhere')

/**
 * The key of the cluster's CA is on no node, once the workers have joined. The controller-manager no longer signs anything, as kubeadm configures it in such a
 * cluster (app/phases/controlplane/manifests.go, getControllerManagerCommand): a joiner's kubelet would wait for its certificate forever.
 */
export const externalCa: Piece = {
  async after(lab) {
    const cp1 = lab.node('cp1')
    const folder = keysElsewhere(lab)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const file of ['ca.crt', 'ca.key'])
      writeFileSync(join(folder, file), `${await cp1.must(['cat', `/etc/kubernetes/pki/${file}`])}\n`, { mode: 0o600 })
    await cp1.must(['rm', '/etc/kubernetes/pki/ca.key'])
    const before = await cp1.must(['pidof', 'kube-controller-manager'])
    const flags = 's#--cluster-signing-\\(cert\\|key\\)-file=.*#--cluster-signing-\\1-file=#'
    await cp1.must(['sed', '-i', '-e', flags, '/etc/kubernetes/manifests/kube-controller-manager.yaml'])
    const another = async () => !['', before].includes((await cp1.sh(['pidof', 'kube-controller-manager'])).stdout)
    await lab.untilReady(another)
  },
}
